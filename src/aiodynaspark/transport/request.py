"""What a request is, before anything is sent."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._body import Body

WHOLE_TIMEOUT = 120.0
STREAM_TIMEOUT = 600.0
"""Seconds that an answer may take, asked for whole or as a stream, where the caller sets none."""

MAX_ANSWER = 16 * 1024 * 1024
RETRIES = 2

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")

log = logging.getLogger("aiodynaspark.transport")


@dataclass(slots=True)
class Request:
    """What to send, and within which limits.

    Attributes:
        url: an absolute http or https URL.
        body: None makes it a GET.
        headers: sent as they are, besides what HTTP itself needs.
        key: the API key, so that budgets and limits are kept apart by key.
        proxy: URL of a proxy for this request alone.
        timeout: seconds over all attempts and waits, None for 120 (whole) or 600 (a stream).
        retries: attempts after the first one, None for 2.
        whole: whether the answer is wanted whole, so that a cut one can be asked for again.
        max_answer: bytes of the answer's body after decompression.
        if_refused: the sentence to say when nobody listens at the URL.
        notify: called with a sentence when the user has to be patient.

    Raises:
        UsageError: a number is out of its range, or a header cannot be sent.
    """

    url: str
    body: Body | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    timeout: float | None = None
    retries: int | None = None
    whole: bool = False
    max_answer: float | None = None
    if_refused: str | None = None
    notify: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.timeout = _above_zero("timeout", self.timeout, "seconds")
        self.max_answer = _above_zero("max_answer", self.max_answer, "bytes")
        if not _is_count(self.retries):
            raise UsageError("retries has to be a whole number of attempts, 0 or more.")
        if not _are_plain(self.headers):
            for name, value in self.headers.items():
                _check_header(name, value)

    @property
    def allowed_retries(self) -> int:
        """How many attempts may follow the first one."""
        return RETRIES if self.retries is None else self.retries

    @property
    def seconds(self) -> float:
        """The deadline in seconds from the start."""
        return self.timeout or (WHOLE_TIMEOUT if self.whole else STREAM_TIMEOUT)


def _are_plain(headers: Mapping[str, str]) -> bool:
    """Whether headers are beyond doubt, told by a look at all of them at once."""
    try:
        names, values = "".join(headers), "".join(headers.values())
    except TypeError:
        return False
    return bool(_NAME.fullmatch(names) and values.isascii() and values.isprintable())


def _check_header(name: str, value: object) -> None:
    """Refuse what would break the request, without showing it: it may be a key."""
    if not (_NAME.fullmatch(name) and isinstance(value, str) and _is_sendable(value)):
        raise UsageError(
            f"The header {name!r} cannot be sent; "
            "take line breaks and control characters out of it."
        )


def _is_sendable(value: str) -> bool:
    return (value.isascii() and value.isprintable()) or _VALUE.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and value >= 0)


def _above_zero(name: str, value: object, unit: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    raise UsageError(f"{name} has to be a number of {unit} above zero.")
