"""The server between a client and an upstream, against other gateways on one core each."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..gateways import FASTAPI, LITELLM, NGINX, STOCK, Gateway, Running, others, ours, stock
from ..processes import OTHER, Child
from ..results import OURS, Goal
from ..run import Column

if TYPE_CHECKING:
    from ..run import Measure, Run

SECONDS = 0.6
LEAST = 500
"""Requests that a measurement makes at least: LiteLLM's proxy stops for half a second every few
hundred, to collect garbage, and a shorter one would meet or miss that by chance."""

CHUNKS = 2000
STREAMS = 8
PACED = "paced-60-5"


def run(run: Run) -> None:
    url = run.upstream()
    with ExitStack() as stack:
        load = stack.enter_context(Child([sys.executable, "-m", "bench.load"], OTHER))
        running = {}
        for gateway in [ours(url), *others(run, url)]:
            try:
                running[gateway.name] = stack.enter_context(gateway.start())
            except RuntimeError as error:
                run.note_missing(gateway.name, str(error))
        whole_answers(run, load, running)
        streams(run, load, running)
    starts(run, url)


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
        measures = {}
        for name, gateway in gateways.items():
            what = f"{name}, {flight} in flight"
            try:
                rate = twice(run, what, warming(load, gateway, flight))()["rate"]
            except RuntimeError as error:
                run.note_missing(what, str(error))
                continue
            count = max(LEAST, int(rate * SECONDS))
            measures[name] = twice(run, what, asking(load, gateway, flight=flight, count=count))
        run.compare("gateway", f"whole answers, {flight} in flight", measures, [
            Column("per_cpu", "", "requests per second of CPU",
                   *(goals if flight == 32 else ()), more=True),
            Column("cpu", "CPU", "us/request"),
            Column("rate", "rate", "requests/s", more=True),
            Column("p99", "99th percentile", "ms"),
        ])  # fmt: skip


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
    def start(gateway: Gateway) -> Measure:
        def measure() -> dict[str, float]:
            with gateway.start() as running:
                return {"cold": running.cold, "memory": running.memory()}

        return measure

    measures = {OURS: start(ours(url, "echo")), STOCK: start(stock(url))}
    run.compare("gateway", "start", measures, [
        Column("cold", "to the first 200", "s", Goal(0.5, 0.3)),
        Column("memory", "idle memory", "MB", Goal(50, 40)),
    ])  # fmt: skip
