"""The header fields of a request, checked and written once for all requests that share them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from ._inflate import accept_encoding
from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Headers", "lines"]

_OF_THE_BODY = ("content-length", "content-type", "transfer-encoding")
"""Fields that say what a body is and where it ends: nobody but who makes it knows that."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")


class Headers:
    """Header fields as they are sent, what can be decoded here among them.

    Attributes:
        fields: values by names in lower case.
        lines: the same as a request's bytes.

    Args:
        fields: those of the caller, names in any case; what describes a body is left out.

    Raises:
        UsageError: one cannot be sent; it is not shown, since it may be a key.
    """

    __slots__ = ("fields", "lines")

    def __init__(self, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        for name, value in fields.items():
            _check(name, value)
        lowered = {name.lower(): value for name, value in fields.items()}
        self.fields = {"accept": "*/*", "accept-encoding": accept_encoding(), **lowered}
        for name in _OF_THE_BODY:  # a relayed one would cut the body short, or smuggle a request in
            self.fields.pop(name, None)
        self.lines = lines(self.fields)


def lines(fields: Mapping[str, str]) -> bytes:
    """Write fields that were checked as the lines of a request."""
    written = ""
    for name, value in fields.items():
        written += f"{name}: {value}\r\n"
    return written.encode()


def _check(name: object, value: object) -> None:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise UsageError(f"The header {name!r} cannot be sent; give it a name of plain letters.")
    if not (isinstance(value, str) and _VALUE.fullmatch(value)):
        raise UsageError(
            f"The header {name!r} cannot be sent; "
            "make it a text without line breaks and control characters."
        )
