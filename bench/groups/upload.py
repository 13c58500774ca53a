"""A picture of 20 MB from the disk: memory and speed."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..results import OURS, Goal
from ..run import Column, asking
from .call import BY_HAND

if TYPE_CHECKING:
    from ..run import Run

SIZE = 20_000_000
GOALS = {1: Goal(2, 1), 8: Goal(8, 2)}


def run(run: Run) -> None:
    picture = run.folder / "large.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(SIZE - 8))
    job = {"url": f"{run.upstream()}/whole", "picture": str(picture)}
    with ExitStack() as stack:
        workers = {
            OURS: stack.enter_context(run.worker("ours")),
            BY_HAND: stack.enter_context(run.worker("by_hand")),
        }
        for flight, goal in GOALS.items():
            calls = {**job, "do": "calls", "flight": flight, "count": flight}
            memory = {**job, "do": "memory", "flight": flight}
            for worker in workers.values():
                worker.ask(calls)
            name = "one 20 MB picture" if flight == 1 else f"{flight} pictures of 20 MB at once"
            measures = {name: asking(worker, calls) for name, worker in workers.items()}
            columns = [
                Column("seconds", "", "s"),
                Column("cpu", "CPU", "us/call"),
            ]
            run.compare("upload", name, measures, columns)
            measures = {name: asking(worker, memory) for name, worker in workers.items()}
            run.compare("upload", name, measures, [Column("peak", "memory", "MB", goal)])
