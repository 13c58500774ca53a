"""A worker's way to the cluster's limiter: leases of its share, and a report now and then."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from .._retry import cost_of_retry
from ..batch.limiter import is_push_back
from ..errors import ResponseError
from .gate import Report

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from .gate import Share

PATIENCE = 0.1
"""Seconds between two reports at most, where a worker waits for a larger share."""


class Waiting(Protocol):
    """The rows that wait to be asked."""

    @property
    def count(self) -> int:
        """How many there are."""

    async def some(self) -> None:
        """Wait until there are some."""


class Leases:
    """Grants what the gate lets this worker do; no lease waits here for a row.

    Attributes:
        figures: the whole cluster's retries and width, as the gate last said; None before.

    Args:
        gate: the actor.
        worker: who asks, by a name that no other worker has or had.
        rows: the rows that wait here.
    """

    def __init__(self, gate: Any, worker: str, rows: Waiting) -> None:
        self.figures: tuple[int, int] | None = None
        self._gate = gate
        self._worker = worker
        self._rows = rows
        self._width = 0
        self._begins: deque[float] | None = None
        self._hold = 0.0
        self._ahead = 0.0
        self._under_way = 0
        self._spent: dict[float, float] = {}
        self._ended = False
        self._answered, self._worth = 0, 0.0
        self._pushed_back: float | None = None
        self._changed = asyncio.Event()
        self._reporting: asyncio.Task[None] | None = None

    async def acquire(self) -> float:
        """Wait for a row and its time to begin; return that, in seconds on the gate's clock."""
        await self._rows.some()
        while (wait := self._wait()) != 0:
            if wait is None:
                await self._change()
            else:
                await asyncio.sleep(wait)
        if self._begins:
            self._begins.popleft()
        self._under_way += 1
        return asyncio.get_running_loop().time() + self._ahead

    def _wait(self) -> float | None:
        """Seconds until a row may begin; None where the gate has not said."""
        if self._under_way >= self._width:
            return None
        begins = self._hold
        if self._begins is not None:
            if not self._begins:
                return None
            begins = max(begins, self._begins[0])
        return max(0.0, begins - asyncio.get_running_loop().time())

    async def _change(self) -> None:
        self._changed.clear()
        self._report()
        await self._changed.wait()
        if self._reporting is not None and self._reporting.done():
            self._reporting.result()  # raises where the gate is no more

    async def may_retry(self, lease: float, error: DynasparkError) -> bool:
        """Ask the gate, so that the retry budget is one for all workers."""
        cost = cost_of_retry(error)
        paid = await self._gate.may_retry.remote(
            lease,
            cost,
            pushed_back=is_push_back(error),
            retry_after=error.retry_after if isinstance(error, ResponseError) else None,
        )
        if paid:
            self._spent[lease] = self._spent.get(lease, 0.0) + cost
        return bool(paid)

    def release(self, lease: float, *, answered: bool, pushed_back: bool = False) -> None:
        """Give a lease back, for the next row here or to the gate."""
        self._under_way -= 1
        self._ended = True
        spent = self._spent.pop(lease, 0.0)
        if answered:
            self._answered += 1
            self._worth += 1 + spent
        elif pushed_back:
            self._pushed_back = max(self._pushed_back or 0.0, lease)
        self._changed.set()
        self._report()

    def _report(self) -> None:
        """Report to the gate, unless it is being done."""
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._keep_reporting())

    async def _keep_reporting(self) -> None:
        """Report for as long as rows end, or wait for a larger share."""
        pause = 0.0
        try:
            while self._ended or (self._rows.count and self._wait() is None):
                news = self._ended
                share = await self._gate.report.remote(self._worker, self._summary())
                news |= self._take(share)
                pause = share.every if news else max(share.every, min(1.2 * pause, PATIENCE))
                await asyncio.sleep(pause)
        finally:
            self._changed.set()

    def _summary(self) -> Report:
        under_way = self._under_way + len(self._begins or ())
        waiting = self._rows.count - len(self._begins or ())
        report = Report(under_way, waiting, self._answered, self._worth, self._pushed_back)
        self._ended, self._answered, self._worth, self._pushed_back = False, 0, 0.0, None
        return report

    def _take(self, share: Share) -> bool:
        """Take in a share; return whether it brought anything."""
        now = asyncio.get_running_loop().time()
        changed = share.width != self._width or bool(share.begins)
        self._width = share.width
        self._hold = now + share.hold
        self._ahead = share.now - now
        self.figures = share.retries, share.limit
        if share.begins is not None:
            begins = [now + wait for wait in share.begins]
            self._begins = deque([*(self._begins or ()), *begins])
        self._changed.set()
        return changed
