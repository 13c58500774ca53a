"""The one limiter of a cluster: an actor that grants leases to all workers."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .._limits import LearntLimit, RetryBudget
from ..batch import LocalLimiter

if TYPE_CHECKING:
    from ..batch.limiter import Settled

AHEAD = 0.25
"""Leases are granted so many seconds before the pace lets them begin."""


class Gate:
    """Says to all workers together how much may be under way, how fast, and how often again.

    Args:
        concurrency: leases out at once in the whole cluster; None adapts it.
        rpm: requests per minute of the whole cluster, retries included; None for no such limit.
    """

    def __init__(self, concurrency: int | None, rpm: float | None) -> None:
        self._limiter = LocalLimiter(concurrency, rpm)
        self._budget = RetryBudget()
        self._learnt = LearntLimit()
        self._held: Counter[str] = Counter()
        self._spent: defaultdict[float, float] = defaultdict(float)
        self._gone: set[str] = set()

    async def grant(self, worker: str, most: int) -> list[tuple[float, float]]:
        """Wait for leases, one at least; each comes with the seconds until it begins."""
        await self._room()
        granted: list[tuple[float, float]] = []
        while worker not in self._gone and self._limiter.has_room and len(granted) < most:
            granted.append(self._limiter.take())
            if granted[-1][1] > AHEAD:
                break
        self._held[worker] += len(granted)
        return granted

    async def _room(self) -> None:
        while True:
            await self._limiter.room()
            wait = self._learnt.wait(asyncio.get_running_loop().time())
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    async def may_retry(
        self, lease: float, cost: float, *, pushed_back: bool, retry_after: float | None
    ) -> bool:
        """Take a retry from the cluster's budget; False where it does not hold that much."""
        now = asyncio.get_running_loop().time()
        self._learnt.learn({}, retry_after=retry_after, now=now, epoch=0.0)
        if not self._budget.take(cost):
            return False
        self._spent[lease] += cost
        self._limiter.retried(lease, pushed_back=pushed_back)
        return True

    async def settle(self, worker: str, settled: list[Settled]) -> None:
        """Take leases back."""
        if worker in self._gone:
            return
        self._held[worker] -= len(settled)
        for lease, answered, _ in settled:
            spent = self._spent.pop(lease, 0.0)
            if answered:
                self._budget.give_back(1 + spent)
        self._limiter.release_all(settled)

    async def forget(self, worker: str) -> None:
        """Take back what a worker held that is no more."""
        self._gone.add(worker)
        self._limiter.release_all([(0.0, False, False)] * self._held.pop(worker, 0))

    async def figures(self) -> tuple[int, int]:
        """Retries so far, and how many leases may be out."""
        return self._limiter.retries, self._limiter.limit
