"""How much may be under way: leases that somebody grants, here or for many machines elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from .._limits import Concurrency, Pace
from ..errors import ResponseError, TransportTimeout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from ..errors import DynasparkError

    Settled: TypeAlias = tuple[float, bool, bool]
    """A lease, whether its row was answered, whether the server pushed back."""

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
        self._concurrency = (
            Concurrency()
            if concurrency is None
            else Concurrency(least=concurrency, most=concurrency)
        )
        self._pace = Pace(per_minute) if per_minute is not None else None
        self._out = 0
        self._full_at = 0.0
        self._room = asyncio.Event()
        self.retries = 0

    @property
    def limit(self) -> int:
        """How many leases may be out now."""
        return self._concurrency.limit

    @property
    def has_room(self) -> bool:
        """Whether another lease may be out now."""
        return self._out < self.limit

    async def room(self) -> None:
        """Wait until another lease may be out."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    def take(self) -> tuple[float, float]:
        """Take a lease at once; return it, and the seconds until the pace lets it begin."""
        self._out += 1
        now = asyncio.get_running_loop().time()
        wait = self._pace.take(now) if self._pace is not None else 0.0
        lease = now + wait
        if not self.has_room:
            self._full_at = lease
        return lease, wait

    async def acquire(self) -> float:
        """Wait for room and for the pace; return the time on the loop's clock."""
        await self.room()
        lease, wait = self.take()
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
        """Give a lease back, and widen or narrow by how the row ended."""
        self.release_all([(lease, answered, pushed_back)])

    def release_all(self, settled: Iterable[Settled]) -> None:
        """Give leases back together; a success counts if all were out at some time during it."""
        now = asyncio.get_running_loop().time()
        for lease, answered, pushed_back in settled:
            if answered and lease <= self._full_at:
                self._concurrency.went_well(self.limit)
            elif pushed_back:
                self._concurrency.pushed_back(since=lease, now=now)
            self._give_back()

    def _give_back(self) -> None:
        self._out -= 1
        self._room.set()
