"""How long a response asks to wait. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date; RFC 9110, 10.2.3).

    Args:
        headers: names in any case that the mapping itself understands.
        now: seconds since the epoch.

    Returns:
        Finite seconds above zero, or None where the header is missing or means nothing.
    """
    precise = headers.get("retry-after-ms")
    if precise is not None and (milliseconds := _number(precise)) is not None and milliseconds > 0:
        return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _seconds_until(value, now)
    return seconds if seconds is not None and seconds > 0 else None


def in_words(seconds: float) -> str:
    """Say how long a wait is, rounded up to what a person counts it in."""
    if seconds > 365 * 86_400:
        return "more than a year"
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{math.ceil(seconds / size):,} {unit}"
    return f"{math.ceil(seconds)} s"


def _number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(date: str, now: float) -> float | None:
    # Here: dates are rare, and reading them loads more than all the rest of the errors.
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
        # HTTP dates are in GMT; one that names no zone would be taken for local time.
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
