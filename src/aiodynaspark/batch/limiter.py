"""How much may be under way: leases that somebody grants, here or for many machines elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from .._limits import Concurrency, Pace
from ..errors import ResponseError, TransportTimeout

if TYPE_CHECKING:
    from ..errors import DynasparkError

OVERLOADED = frozenset({429, 503})


class Limiter(Protocol):
    """Grants a lease for each row; a lease is the time at which it was granted, in seconds."""

    async def acquire(self) -> float:
        """Wait for a lease."""

    def retried(self, lease: float, *, pushed_back: bool) -> None:
        """Report that an attempt under a lease failed and is made again."""

    def release(self, lease: float, *, answered: bool, pushed_back: bool = False) -> None:
        """Give a lease back, and say how the row ended."""


def is_push_back(error: DynasparkError) -> bool:
    """Whether an error says that less should be under way: 429, 503 or a timeout."""
    if isinstance(error, ResponseError):
        return error.status in OVERLOADED
    return isinstance(error, TransportTimeout)


class LocalLimiter:
    """A limiter for one event loop.

    Args:
        concurrency: how many leases at once; None adapts it between 1 and 256.
        per_minute: how many requests a minute may have, retries included; None for no such limit.
    """

    def __init__(self, concurrency: int | None = None, per_minute: float | None = None) -> None:
        self._concurrency = (
            Concurrency()
            if concurrency is None
            else Concurrency(least=concurrency, most=concurrency)
        )
        self._pace = Pace(per_minute) if per_minute is not None else None
        self._out = 0
        self._room = asyncio.Event()
        self.retries = 0

    @property
    def limit(self) -> int:
        """How many leases may be out now."""
        return self._concurrency.limit

    async def acquire(self) -> float:
        """Wait for room and for the pace; return the time on the loop's clock."""
        while self._out >= self.limit:
            self._room.clear()
            await self._room.wait()
        self._out += 1
        now = asyncio.get_running_loop().time()
        if self._pace is None or (wait := self._pace.take(now)) <= 0:
            return now
        try:
            await asyncio.sleep(wait)
        except BaseException:
            self._give_back()
            raise
        return now + wait

    def retried(self, lease: float, *, pushed_back: bool) -> None:
        """Count a retry, pay its token, and narrow down where the server asked for it."""
        self.retries += 1
        now = asyncio.get_running_loop().time()
        if self._pace is not None:
            self._pace.take(now)
        if pushed_back:
            self._concurrency.pushed_back(since=lease, now=now)

    def release(self, lease: float, *, answered: bool, pushed_back: bool = False) -> None:
        """Give a lease back, and widen or narrow by how the row ended."""
        if answered:
            self._concurrency.went_well(self._out)
        elif pushed_back:
            now = asyncio.get_running_loop().time()
            self._concurrency.pushed_back(since=lease, now=now)
        self._give_back()

    def _give_back(self) -> None:
        self._out -= 1
        self._room.set()
