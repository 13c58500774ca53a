"""The one limiter of a cluster: an actor that gives each worker its share of what may be done."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from .._limits import Concurrency, LearntLimit, Pace, RetryBudget

AHEAD = 0.25
"""Rows get their time to begin so many seconds ahead."""

EVERY = 0.025
"""Seconds between two reports of a worker that has something to say."""

A_REPORT = 0.002
"""Seconds that a report may take of the gate's time; many workers report less often."""


class Report(NamedTuple):
    """What a worker says of itself.

    Attributes:
        under_way: how many rows are, those included that have their time to begin.
        waiting: how many rows could begin besides.
        answered: how many rows were answered since the last report.
        worth: what those give back to the retry budget.
        pushed_back: when the last row began that the server refused for load, on the gate's clock;
            None where it refused none since the last report.
    """

    under_way: int
    waiting: int
    answered: int = 0
    worth: float = 0.0
    pushed_back: float | None = None


class Share(NamedTuple):
    """What a worker may do until it reports again.

    Attributes:
        width: how many rows may be under way at once.
        begins: where there is a pace, the seconds until each further row may begin.
        hold: seconds in which no row may begin.
        every: seconds until the next report.
        now: on the gate's clock, in seconds.
        retries: how many there were in the whole cluster.
        limit: how many rows may be under way in the whole cluster.
    """

    width: int
    begins: list[float] | None
    hold: float
    every: float
    now: float
    retries: int
    limit: int


class Gate:
    """Says to all workers together how much may be under way, how fast, and how often again.

    Args:
        concurrency: rows under way at once in the whole cluster; None adapts it.
        rpm: requests per minute of the whole cluster, retries included; None for no such limit.
    """

    def __init__(self, concurrency: int | None, rpm: float | None) -> None:
        self._concurrency = Concurrency.of(concurrency)
        self._pace = Pace(rpm) if rpm is not None else None
        self._budget = RetryBudget()
        self._learnt = LearntLimit()
        self._retries = 0
        self._held: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        self._gone: set[str] = set()

    async def report(self, worker: str, report: Report) -> Share:
        """Take in how a worker's rows ended; return its share from now on."""
        now = asyncio.get_running_loop().time()
        self._take_in(report, now)
        width, begins = 0, None
        if worker not in self._gone:
            self._wanted[worker] = report.under_way + report.waiting
            width = self._width(worker)
            self._held[worker] = max(width, report.under_way)
        if self._pace is not None:
            begins = self._begins(self._pace, min(width - report.under_way, report.waiting), now)
        hold, every = self._learnt.wait(now), max(EVERY, A_REPORT * len(self._held))
        return Share(width, begins, hold, every, now, *await self.figures())

    def _take_in(self, report: Report, now: float) -> None:
        wanted = sum(self._wanted.values())
        for _ in range(report.answered):
            self._concurrency.went_well(wanted)
        self._budget.give_back(report.worth)
        if report.pushed_back is not None:
            self._concurrency.pushed_back(since=report.pushed_back, now=now)

    def _width(self, worker: str) -> int:
        """What the others do not hold; and where they want more, a fair part of it all."""
        limit, wanted = self._concurrency.limit, self._wanted[worker]
        held = sum(self._held.values()) - self._held.get(worker, 0)
        others = sum(self._wanted.values()) - wanted
        fair = -(-limit // (sum(map(bool, self._wanted.values())) or 1))
        return max(0, min(wanted, limit - held, max(fair, limit - others)))

    @staticmethod
    def _begins(pace: Pace, most: int, now: float) -> list[float]:
        begins: list[float] = []
        while len(begins) < most and (not begins or begins[-1] <= AHEAD):
            begins.append(pace.take(now))
        return begins

    async def may_retry(
        self, lease: float, cost: float, *, pushed_back: bool, retry_after: float | None
    ) -> bool:
        """Take a retry from the cluster's budget; False where it does not hold that much."""
        now = asyncio.get_running_loop().time()
        self._learnt.learn({}, retry_after=retry_after, now=now, epoch=0.0)
        if not self._budget.take(cost):
            return False
        self._retries += 1
        if self._pace is not None:
            self._pace.take(now)
        if pushed_back:
            self._concurrency.pushed_back(since=lease, now=now)
        return True

    async def forget(self, worker: str) -> None:
        """Take back what a worker held that is no more."""
        self._gone.add(worker)
        self._held.pop(worker, None)
        self._wanted.pop(worker, None)

    async def stay(self) -> None:
        """Never return: who waits for it hears from Ray that the gate is no more."""
        await asyncio.Event().wait()

    async def figures(self) -> tuple[int, int]:
        """Retries so far, and how many rows may be under way."""
        return self._retries, self._concurrency.limit
