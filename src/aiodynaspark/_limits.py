"""How much may be sent: decisions alone, with the time passed in; whoever asks does the waiting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_BLOCK = 60.0
"""No header makes later calls wait longer than this, in seconds."""


class RetryBudget:
    """Bounds how many retries a host can cause, so that a dead one is not hammered.

    A full budget of 100 pays for 20 retries; successes fill it up again.
    """

    capacity = 100.0

    def __init__(self) -> None:
        self.left = self.capacity

    def take(self, cost: float) -> bool:
        """Pay for a retry; False where the budget does not hold that much."""
        if cost > self.left:
            return False
        self.left -= cost
        return True

    def give_back(self, amount: float) -> None:
        """Return what a success is worth."""
        self.left = min(self.capacity, self.left + amount)


class LearntLimit:
    """When a host said that it takes the next request.

    Attributes:
        open_at: that time, in seconds on the caller's own steady clock.
    """

    def __init__(self) -> None:
        self.open_at = 0.0

    def learn(
        self, headers: Mapping[str, str], *, retry_after: float | None, now: float, epoch: float
    ) -> None:
        """Take in one response's ``Retry-After`` and ``X-RateLimit-*`` headers.

        Args:
            headers: the response's.
            retry_after: what ``Retry-After`` comes to, in seconds.
            now: seconds on the caller's own steady clock.
            epoch: seconds since 1970, for resets that are given as a date.
        """
        wait = retry_after
        if wait is None and headers.get("x-ratelimit-remaining", "").strip() == "0":
            wait = parse_reset(headers.get("x-ratelimit-reset"), epoch)
        if wait is not None and 0 < wait <= LONGEST_BLOCK:
            self.open_at = max(self.open_at, now + wait)

    def wait(self, now: float) -> float:
        """Seconds until the next request may go out; 0 where it may go at once."""
        return max(0.0, self.open_at - now)


class Concurrency:
    """How many requests may be under way at once: more while it goes well, less when pushed back.

    Each success adds one until the first push-back, one per round of successes from then on. A
    push-back takes 0.7 of what there is, once for all requests that were under way at the time.

    Args:
        least: never fewer than this many.
        most: never more.
        start: how many to begin with.
    """

    shrink = 0.7

    def __init__(self, *, least: int = 1, most: int = 256, start: int = 8) -> None:
        self._least = least
        self._most = most
        self._width = float(max(least, min(start, most)))
        self._pushed_back_at: float | None = None

    @classmethod
    def of(cls, width: int | None) -> Concurrency:
        """One that stays so wide, or adapts where that is None."""
        return cls() if width is None else cls(least=width, most=width)

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return int(self._width)

    def went_well(self, under_way: int) -> None:
        """Take in a success; it counts where the limit was in use, by ``under_way`` requests."""
        if under_way >= self.limit:
            step = 1.0 if self._pushed_back_at is None else 1 / self._width
            self._width = min(self._most, self._width + step)

    def pushed_back(self, *, since: float, now: float) -> None:
        """Take in that a request sent at ``since`` was refused for load, or timed out, ``now``."""
        if self._pushed_back_at is None or since >= self._pushed_back_at:
            self._width = max(self._least, self._width * self.shrink)
            self._pushed_back_at = now


class Pace:
    """A token bucket that holds one token: so many requests per minute, evenly spread.

    Args:
        per_minute: how many requests a minute may have.
    """

    def __init__(self, per_minute: float) -> None:
        self._interval = 60.0 / per_minute
        self._next = 0.0

    def take(self, now: float) -> float:
        """Take the next token; return the seconds until it is there."""
        at = max(now, self._next)
        self._next = at + self._interval
        return at - now


_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")


def parse_reset(text: str | None, epoch: float) -> float | None:
    """Seconds until a rate limit's reset, given as epoch seconds, as seconds, or like ``1m30s``."""
    text = (text or "").strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        return number - epoch if number > 1e9 else number
    found = _DURATION.fullmatch(text) if len(text) < 32 else None
    if not text or not found:
        return None
    hours, minutes, seconds, milliseconds = (float(group or 0) for group in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
