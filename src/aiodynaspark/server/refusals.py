"""Requests that are refused before any model hears of them, as errors with their statuses."""

from __future__ import annotations

from typing import ClassVar

from ..errors import DynasparkError, UsageError

__all__ = [
    "Busy",
    "Forbidden",
    "KeyRefused",
    "NotJson",
    "Refused",
    "Stopping",
    "TooLarge",
    "TooSlow",
    "WrongHost",
    "too_large",
]


class Refused(UsageError):
    """The request may not pass.

    Attributes:
        headers: what the answer says besides.
    """

    headers: ClassVar[dict[str, str]] = {}


class KeyRefused(Refused):
    """No key, or none that fits."""

    http_status = 401
    headers: ClassVar[dict[str, str]] = {"www-authenticate": "Bearer"}


class Forbidden(Refused):
    """A web page of another origin sent it."""

    http_status = 403


class TooSlow(Refused):
    """The body did not arrive in time."""

    http_status = 408


class TooLarge(Refused):
    """The body is larger than what is taken."""

    http_status = 413


class NotJson(Refused):
    """The body is not declared to be JSON."""

    http_status = 415


class WrongHost(Refused):
    """The request is meant for another host."""

    http_status = 421


class Busy(DynasparkError):
    """As many requests are running as may run at once."""

    http_status = 503
    headers: ClassVar[dict[str, str]] = {"retry-after": "1"}


class Stopping(DynasparkError):
    """The server is going down."""

    http_status = 503
    headers: ClassVar[dict[str, str]] = {"retry-after": "5", "connection": "close"}


def too_large(most: int) -> TooLarge:
    """What a body of more than so many bytes is refused with."""
    return TooLarge(f"The body is larger than {most} bytes, which is the most that is taken here.")
