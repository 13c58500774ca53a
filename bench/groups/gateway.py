"""The server between a client and an upstream, against other gateways: one core each, then two."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..gateways import FASTAPI, LITELLM, NGINX, STOCK, Gateway, Running, others, ours, stock
from ..processes import OTHER, Child, Upstream
from ..results import OURS, Goal
from ..run import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..run import Measure, Run

SECONDS = 0.6
LEAST = 500
"""Requests that a measurement makes at least: LiteLLM's proxy stops for half a second every few
hundred, to collect garbage, and a shorter one would meet or miss that by chance."""

CHUNKS = 2000
STREAMS = 8
PACED = "paced-60-5"
SHARING = 64
"""Requests in flight to two processes: enough connections that each gets about half of them."""

ALONE = "ours, one process"
ANSWERS = [
    Column("cpu", "CPU", "us/request"),
    Column("rate", "rate", "requests/s", more=True),
    Column("p99", "99th percentile", "ms"),
]


def run(run: Run) -> None:
    url = run.upstream()
    with loading(OTHER) as load, ExitStack() as stack:
        running = started(run, stack, [ours(url), *others(run, url)])
        whole_answers(run, load, running)
        streams(run, load, running)
    two_processes(run)
    starts(run, url)


def loading(core: int | None) -> Child:
    return Child([sys.executable, "-m", "bench.load"], core)


def started(
    run: Run, stack: ExitStack, gateways: Sequence[Gateway], **how: Any
) -> dict[str, Running]:
    """The gateways that start; the others are reported."""
    running = {}
    for gateway in gateways:
        try:
            running[gateway.name] = stack.enter_context(gateway.start(**how))
        except RuntimeError as error:
            run.note_missing(gateway.name, str(error))
    return running


def asking(load: Child, gateway: Running, **job: Any) -> Measure:
    """A measurement of a gateway under a load; CPU is the gateway's own."""
    answer = job.pop("answer", "whole")
    request = gateway.gateway.request(answer, stream=answer != "whole")
    units = job.pop("units", job["count"])

    def measure() -> dict[str, float]:
        before = gateway.cpu()
        figures: dict[str, float] = load.ask({**job, "port": gateway.port, "request": request})
        spent = (gateway.cpu() - before) / units
        return {**figures, "cpu": spent * 1e6, "per_cpu": 1 / spent}

    return measure


def warming(load: Child, gateway: Running, flight: int) -> Measure:
    """A measurement after as many requests as warm a gateway up."""

    def measure() -> dict[str, float]:
        asking(load, gateway, flight=flight, count=flight)()
        return asking(load, gateway, flight=flight, count=2 * flight)()

    return measure


def twice(run: Run, what: str, measure: Measure) -> Measure:
    """A measurement that is made again where it fails, which the report then says."""

    def again() -> dict[str, float]:
        try:
            return measure()
        except RuntimeError as error:
            run.note_missing(f"{what}, made again", str(error))
            return measure()

    return again


def whole_answers(run: Run, load: Child, gateways: dict[str, Running]) -> None:
    goals = [Goal(0.07, 0.20, NGINX), Goal(50, 200, LITELLM), Goal(2.5, 8, FASTAPI)]
    for flight in (1, 32, 128):
        case = f"whole answers, {flight} in flight"
        per_cpu = Column("per_cpu", "", "requests per second of CPU",
                         *(goals if flight == 32 else ()), more=True)  # fmt: skip
        measures = answering(run, load, gateways, case, flight)
        run.compare("gateway", case, measures, [per_cpu, *ANSWERS])


def two_processes(run: Run) -> None:
    """Two processes on one port, and ours alone; whatever takes part may use any core."""
    case = f"two processes, {SHARING} in flight"
    with Upstream(core=None) as upstream, loading(None) as load, ExitStack() as stack:
        url = upstream.url
        running = started(run, stack, [ours(url), *others(run, url)], processes=2, core=None)
        running |= started(run, stack, [replace(ours(url), name=ALONE)], core=None)
        run.compare("gateway", case, answering(run, load, running, case, SHARING), ANSWERS)


def answering(
    run: Run, load: Child, gateways: dict[str, Running], case: str, flight: int
) -> dict[str, Measure]:
    """A measurement of each gateway that can be warmed up, of about ``SECONDS``."""
    measures = {}
    for name, gateway in gateways.items():
        what = f"{name}, {case}"
        try:
            rate = twice(run, what, warming(load, gateway, flight))()["rate"]
        except RuntimeError as error:
            run.note_missing(what, str(error))
            continue
        count = max(LEAST, int(rate * SECONDS))
        measures[name] = twice(run, what, asking(load, gateway, flight=flight, count=count))
    return measures


def streams(run: Run, load: Child, gateways: dict[str, Running]) -> None:
    measures = {
        name: asking(
            load,
            gateway,
            answer=f"bulk-{CHUNKS}",
            flight=STREAMS,
            count=STREAMS,
            units=STREAMS * CHUNKS,
        )
        for name, gateway in gateways.items()
        if name != LITELLM
    }
    columns = [Column("cpu", "CPU", "us/chunk", Goal(8, 5))]
    run.compare("gateway", f"{STREAMS} streams as fast as they come", measures, columns)
    measures = {
        name: asking(load, gateway, answer=PACED, flight=64, count=64)
        for name, gateway in gateways.items()
        if name != LITELLM
    }
    run.compare("gateway", "64 streams, 5 ms a chunk", measures, [
        Column("first", "first chunk", "ms late", Goal(0.8, 0.4, STOCK)),
        Column("cpu", "CPU", "us/stream"),
    ])  # fmt: skip


def starts(run: Run, url: str) -> None:
    def start(gateway: Gateway, processes: int) -> Measure:
        def measure() -> dict[str, float]:
            with gateway.start(processes) as running:
                return {"cold": running.cold, "memory": running.memory()}

        return measure

    def starting(processes: int) -> dict[str, Measure]:
        return {OURS: start(ours(url, "echo"), processes), STOCK: start(stock(url), processes)}

    run.compare("gateway", "start", starting(1), [
        Column("cold", "to the first 200", "s", Goal(0.5, 0.3)),
        Column("memory", "idle memory", "MB", Goal(50, 40)),
    ])  # fmt: skip
    run.compare("gateway", "two processes", starting(2), [Column("memory", "idle memory", "MB")])
