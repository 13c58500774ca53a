"""A worker's way to the cluster's limiter: leases fetched and given back by the dozen."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from .._retry import cost_of_retry
from ..batch.limiter import is_push_back
from ..errors import ResponseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..batch.limiter import Settled
    from ..errors import DynasparkError

MOST = 32
"""Leases that are asked for at a time."""

GATHER = 0.03
"""Seconds in which leases are gathered before they are given back together."""

QUARTER = 4
"""A quarter of what is out here is enough to be given back at once, so that few never wait."""


class Leases:
    """Grants what the gate grants; no lease waits here for a row.

    Args:
        gate: the actor.
        worker: who asks, by a name that no other worker has or had.
        waiting: waits until rows wait to be asked, and returns how many.
    """

    def __init__(self, gate: Any, worker: str, waiting: Callable[[], Awaitable[int]]) -> None:
        self._gate = gate
        self._worker = worker
        self._waiting = waiting
        self._granted: deque[tuple[float, float]] = deque()
        self._settled: list[Settled] = []
        self._timer: asyncio.TimerHandle | None = None
        self._out = 0

    async def acquire(self) -> float:
        """Wait for a row, a lease and its time; return the lease."""
        loop = asyncio.get_running_loop()
        while not self._granted:
            most = min(await self._waiting(), MOST)
            granted = await self._gate.grant.remote(self._worker, most)
            self._out += len(granted)
            now = loop.time()
            self._granted.extend((lease, now + wait) for lease, wait in granted)
        lease, begins = self._granted.popleft()
        if (wait := begins - loop.time()) > 0:
            await asyncio.sleep(wait)
        return lease

    async def may_retry(self, lease: float, error: DynasparkError) -> bool:
        """Ask the gate, so that the retry budget is one for all workers."""
        return bool(
            await self._gate.may_retry.remote(
                lease,
                cost_of_retry(error),
                pushed_back=is_push_back(error),
                retry_after=error.retry_after if isinstance(error, ResponseError) else None,
            )
        )

    def release(self, lease: float, *, answered: bool, pushed_back: bool = False) -> None:
        """Give a lease back, together with others of the same moment."""
        self._settled.append((lease, answered, pushed_back))
        if len(self._settled) * QUARTER >= self._out:
            self._settle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._settle)

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        settled, self._settled = self._settled, []
        self._out -= len(settled)
        self._gate.settle.remote(self._worker, settled)
