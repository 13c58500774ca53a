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

    async def may_retry(self, lease: float, error: DynasparkError) -> bool:
        """Report that an attempt under a lease failed; return whether another may be made."""

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
        self._concurrency = Concurrency.of(concurrency)
        self._pace = Pace(per_minute) if per_minute is not None else None
        self._out = 0
        self._full_at = 0.0
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
        wait = self._pace.take(now) if self._pace is not None else 0.0
        lease = now + wait
        if self._out >= self.limit:
            self._full_at = lease
        if wait > 0:
            try:
                await asyncio.sleep(wait)
            except BaseException:
                self._give_back()
                raise
        return lease

    async def may_retry(self, lease: float, error: DynasparkError) -> bool:
        """Take in a retry; here the transport's own budget is all there is to keep to."""
        self.retried(lease, pushed_back=is_push_back(error))
        return True

    def retried(self, lease: float, *, pushed_back: bool) -> None:
        """Count a retry, pay its token, and narrow down where the server asked for it."""
        self.retries += 1
        now = asyncio.get_running_loop().time()
        if self._pace is not None:
            self._pace.take(now)
        if pushed_back:
            self._concurrency.pushed_back(since=lease, now=now)

    def release(self, lease: float, *, answered: bool, pushed_back: bool = False) -> None:
        """Give a lease back, and widen or narrow by how the row ended.

        A success counts where all leases were out at some time since it began.
        """
        if answered and lease <= self._full_at:
            self._concurrency.went_well(self.limit)
        elif pushed_back:
            self._concurrency.pushed_back(since=lease, now=asyncio.get_running_loop().time())
        self._give_back()

    def _give_back(self) -> None:
        self._out -= 1
        self._room.set()
