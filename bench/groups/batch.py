"""A batch against a bare loop with aiohttp, on a server that answers after 50 ms.

The bare loop keeps so many requests under way and writes a line for each answer; it checks,
retries and remembers nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..results import OURS, Goal
from ..run import Column, asking

if TYPE_CHECKING:
    from ..run import Run

BARE, ADAPTIVE = "a bare loop", "ours, adaptive"
GOALS = {16: [Goal(0.95, 1, BARE)], 64: [Goal(0.9, 1, BARE)], 256: [Goal(0.85, 1, BARE)]}
SECONDS = 3
"""How long one measurement takes about, where nothing but the server takes time."""

MOST = 5_000


def run(run: Run) -> None:
    url = f"{run.upstream()}/late-50/batch"
    job: dict[str, Any] = {"do": "measure", "provider": "dynaspark", "option": "url", "url": url}
    columns = (Column("cpu", "CPU", "us/row"),)
    with ExitStack() as stack:
        ours = stack.enter_context(run.worker("rows_ours"))
        bare = stack.enter_context(run.worker("rows_by_hand"))
        for at_once, goals in GOALS.items():
            sized = {**job, "at_once": at_once, "rows": min(MOST, SECONDS * at_once * 20)}
            measures = {OURS: asking(ours, sized), BARE: asking(bare, sized)}
            if at_once == max(GOALS):
                measures[ADAPTIVE] = asking(ours, {**sized, "at_once": None})
            rate = Column("rate", "", "rows/s", *goals, more=True)
            run.compare("batch", f"{at_once} at once", measures, [rate, *columns])
