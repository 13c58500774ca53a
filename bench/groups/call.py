"""A call from a program over the form wire, against aiohttp written by hand."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..results import OURS, Goal
from ..run import Column, asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..processes import Worker
    from ..run import Measure, Run

BY_HAND, PER_CALL = "aiohttp by hand", "a session per call"
MODULES = {OURS: "ours", BY_HAND: "by_hand", PER_CALL: "session_per_call"}
SECONDS = 0.4
"""How long one measurement takes, about."""

MANY = 10_000

GOALS = {
    ("plain", 32): [Goal(1.15, 2, BY_HAND), Goal(2.7, 5, PER_CALL)],
    ("TLS", 1): [Goal(7, 12, PER_CALL)],
    ("TLS", 32): [Goal(3, 5, PER_CALL)],
}


def run(run: Run) -> None:
    picture = run.folder / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(1_000_000))
    with ExitStack() as stack:
        workers = {name: stack.enter_context(run.worker(file)) for name, file in MODULES.items()}
        for kind in ("plain", "TLS"):
            url = f"{run.upstream(tls=kind == 'TLS')}/whole"
            for flight in (1, 32, 128):
                goals = GOALS.get((kind, flight), ())
                measure(run, workers, "call", kind, {"url": url}, flight, goals)
        job = {"url": f"{run.upstream()}/whole", "picture": str(picture)}
        measure(run, workers, "call", "with a 1 MB picture", job, 8)
        url = f"{run.upstream()}/whole"
        growths = {name: growth(workers[name], url) for name in (OURS, BY_HAND)}
        columns = [Column("growth", "", "times the CPU of a call among 32", Goal(1.5, 1.1))]
        run.compare("call", "10,000 waiting", growths, columns)


def growth(worker: Worker, url: str) -> Measure:
    """How much more CPU a call takes where thousands wait for a connection."""

    def measure() -> dict[str, float]:
        job = {"do": "calls", "url": url}
        few = worker.ask({**job, "flight": 32, "count": 2 * 32 * 32})
        many = worker.ask({**job, "flight": MANY, "count": MANY})
        return {"growth": many["cpu"] / few["cpu"]}

    return measure


def measure(
    run: Run,
    workers: dict[str, Worker],
    group: str,
    kind: str,
    job: dict[str, Any],
    flight: int,
    goals: Sequence[Goal] = (),
) -> None:
    """Compare the rate and the CPU of whole calls; each contender makes about as many as it can."""
    measures = {}
    for name, worker in workers.items():
        job = {**job, "do": "calls", "flight": flight, "count": 2 * flight}
        worker.ask(job)  # opens the connections
        rate = worker.ask({**job, "count": 3 * flight})["rate"]
        measures[name] = asking(worker, {**job, "count": max(2 * flight, int(rate * SECONDS))})
    columns = [
        Column("rate", "", "calls/s", *goals, more=True),
        Column("cpu", "CPU", "us/call"),
    ]
    run.compare(group, f"{kind}, {flight} in flight", measures, columns)
