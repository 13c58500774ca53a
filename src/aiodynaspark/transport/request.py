"""What a request is, before anything is sent."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from .._body import Body
from .._headers import Headers
from .._url import without_credentials
from ..errors import UsageError

WHOLE_TIMEOUT = 120.0
STREAM_TIMEOUT = 600.0
"""Seconds that an answer may take, asked for whole or as a stream, where the caller sets none."""

MAX_ANSWER = 16 * 1024 * 1024
RETRIES = 2

log = logging.getLogger("aiodynaspark.transport")


class Request(Struct):
    """What to send, and within which limits.

    Attributes:
        url: an absolute http or https URL.
        body: None makes it a GET.
        headers: sent besides what HTTP itself needs.
        key: the API key, so that budgets and limits are kept apart by key.
        proxy: URL of a proxy for this request alone.
        timeout: seconds over all attempts and waits, None for 120 (whole) or 600 (a stream).
        retries: attempts after the first one, None for 2.
        whole: whether the answer is wanted whole, so that a cut one can be asked for again.
        max_answer: bytes of the answer's body after decompression.
        if_refused: the sentence to say when nobody listens at the URL.
        notify: called with a sentence when the user has to be patient.

    Raises:
        UsageError: a number is out of its range.
    """

    url: str
    body: Body | None = None
    headers: Headers = field(default_factory=Headers)
    key: str | None = None
    proxy: str | None = None
    timeout: float | None = None
    retries: int | None = None
    whole: bool = False
    max_answer: float | None = None
    if_refused: str | None = None
    notify: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None:
            _check_amount("timeout", self.timeout, "seconds")
        if self.max_answer is not None:
            _check_amount("max_answer", self.max_answer, "bytes")
        if self.retries is not None:
            _check_count("retries", self.retries, "attempts")

    def __repr__(self) -> str:
        return f"<Request to {without_credentials(self.url)}>"

    @property
    def allowed_retries(self) -> int:
        """How many attempts may follow the first one."""
        return RETRIES if self.retries is None else self.retries

    @property
    def seconds(self) -> float:
        """The deadline in seconds from the start."""
        return self.timeout or (WHOLE_TIMEOUT if self.whole else STREAM_TIMEOUT)


def _check_amount(name: str, value: Any, unit: str) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value < math.inf):
        raise UsageError(f"{name} has to be a number of {unit} above zero.")


def _check_count(name: str, value: Any, unit: str) -> None:
    if not (isinstance(value, int) and value >= 0):
        raise UsageError(f"{name} has to be a whole number of {unit}, 0 or more.")
