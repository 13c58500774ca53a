"""An answer that comes in pieces, and one of 50 MB."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..results import OURS, Goal
from ..run import Column, asking
from .call import BY_HAND

if TYPE_CHECKING:
    from ..run import Run

RAW = "aiohttp's bytes, undecoded"
SIZE = 50
SPEED = {"light": Goal(40, 60), "none": Goal(1000, 2000), "many": Goal(25, 40)}
KINDS = {"light": "light escapes", "none": "no escapes", "many": "many escapes"}


def run(run: Run) -> None:
    with ExitStack() as stack:
        ours = stack.enter_context(run.worker("ours"))
        by_hand = stack.enter_context(run.worker("by_hand"))

        def both(job: dict[str, Any]) -> dict[str, Any]:
            ours.ask(job)
            by_hand.ask(job)
            return {OURS: asking(ours, job), RAW: asking(by_hand, job)}

        job = {"do": "stream", "chunks": 100, "url": f"{run.upstream()}/paced-100-2"}
        run.compare("stream", "one stream, 2 ms a piece", both(job), [
            Column("late", "first text", "ms late"),
            Column("cpu", "CPU", "us/piece"),
        ])  # fmt: skip
        job = {"do": "stream", "chunks": 4000, "url": f"{run.upstream()}/bulk-4000"}
        columns = [Column("cpu", "CPU", "us/piece")]
        run.compare("stream", "4,000 pieces as fast as they come", both(job), columns)

        for kind, goal in SPEED.items():
            url = f"{run.upstream()}/big-{SIZE}-{kind}"
            job = {"do": "calls", "url": url, "count": 1, "flight": 1, "streamed": True}

            def speed(job: dict[str, Any] = job, worker: Any = ours) -> dict[str, float]:
                figures = worker.ask(job)
                return {"wall": SIZE / figures["seconds"], "cpu": SIZE / figures["cpu"] * 1e6}

            measures = {OURS: speed, BY_HAND: lambda job=job: speed(job, by_hand)}
            run.compare("stream", f"{SIZE} MB, {KINDS[kind]}", measures, [
                Column("wall", "", "MB/s", goal, more=True),
                Column("cpu", "per second of CPU", "MB/s", more=True),
            ])  # fmt: skip
        job = {
            "do": "memory",
            "url": f"{run.upstream()}/big-{SIZE}-light",
            "flight": 1,
            "streamed": True,
        }
        goals = [Goal(1, 1)]
        columns = [Column("peak", "memory", "MB", *goals)]
        measures = {OURS: asking(ours, job), BY_HAND: asking(by_hand, job)}
        run.compare("stream", f"{SIZE} MB body", measures, columns)
