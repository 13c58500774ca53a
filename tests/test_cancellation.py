"""Cancelled at any await, nothing is left: no connection, no task, no place in a queue."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import random
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from upstream import until

from aiodynaspark import Dynaspark, DynasparkError
from aiodynaspark.server.faults import Host
from aiodynaspark.transport import Transport

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(300_000)


async def ask(url: str, transport: Transport, **options: Any) -> None:
    chunks = Dynaspark.create_async_generator("", HELLO, url=url, transport=transport, **options)
    async with aclosing(chunks):
        async for _ in chunks:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("none", {}),
        ("none", {"stream": False}),
        ("none", {"media": [PNG]}),
        ("slow:0.001", {}),
        ("redirect-loop", {}),
        ("hang-up", {"retries": 1}),
        ("status:404", {}),
        ("cut", {}),
        ("bad-chunk", {}),
        ("gzip-cut", {}),
    ],
)
async def test_cancelled_after_each_step_of_the_loop(fault: str, options: dict[str, Any]) -> None:
    transport = Transport()
    host = Host(fault)
    async with host.listening() as url:
        before = asyncio.all_tasks()
        for steps in range(60):
            task = asyncio.create_task(ask(url, transport, **options))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or task.exception() is None or known(task)
            assert not transport.active
            assert not transport.waiting
        await until(lambda: asyncio.all_tasks() - host._connections <= before)
        await transport.aclose()
        await until(lambda: not host._connections)


def known(task: asyncio.Task[None]) -> bool:
    return isinstance(task.exception(), DynasparkError)


async def test_a_slot_of_the_pool_goes_back() -> None:
    """One connection alone: were a place ever lost, the last ask would wait for ever."""
    transport = Transport(connections=1)
    async with Host("slow:0.001").listening() as url:
        for steps in range(0, 40, 3):
            tasks = [asyncio.create_task(ask(url, transport)) for _ in range(4)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await ask(url, transport, timeout=30)
    await transport.aclose()


class Untold(asyncio.SelectorEventLoop):
    """Closes a connection whose opening is cancelled without telling its protocol, as uvloop."""

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        made: Any = await super().create_connection(*args, **options)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            made[0]._protocol_connected = False
            made[0].abort()
            raise
        return made


def test_closing_waits_for_no_connection_that_ended_untold() -> None:
    async def main() -> None:
        transport = Transport()
        async with Host("slow:0.001").listening() as url:
            for steps in range(20):
                task = asyncio.create_task(ask(url, transport))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            await asyncio.wait_for(transport.aclose(), 10)

    with asyncio.Runner(loop_factory=Untold) as runner:
        runner.run(main())


async def test_left_in_the_middle_no_task_is_left_to_the_collector() -> None:
    transport = Transport()
    host = Host("stall")
    async with host.listening() as url:
        chunks = Dynaspark.create_async_generator("", HELLO, url=url, transport=transport)
        async with aclosing(chunks):
            async for _ in chunks:
                break
        assert asyncio.all_tasks() - host._connections == {asyncio.current_task()}
        await until(lambda: not host._connections)
    await transport.aclose()


def memory() -> float:
    """Resident memory in MiB, without what the allocator keeps for later (on glibc)."""
    gc.collect()
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descriptors() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.long
async def test_ten_thousand_asks_under_faults_cancelled_at_random() -> None:
    """Several hosts, so that one that is busy or asleep does not hold up all of them."""
    chance = random.Random(7)
    loop = asyncio.get_running_loop()
    hosts = [Host("flaky:0.1") for _ in range(8)]
    ways = [host.listening() for host in hosts]
    urls = [await way.__aenter__() for way in ways]
    for number, host in enumerate(hosts):
        host.random.seed(number)
    outcomes: dict[str, int] = {}

    async def one(transport: Transport) -> None:
        url, stream = chance.choice(urls), chance.random() < 0.5
        task = asyncio.create_task(ask(url, transport, stream=stream, timeout=3))
        if chance.random() < 0.3:
            loop.call_later(chance.random() * chance.choice([0.01, 0.1, 1]), task.cancel)
        await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        name = "cancelled" if task.cancelled() else type(error).__name__
        assert error is None or isinstance(error, DynasparkError), repr(error)
        outcomes[name] = outcomes.get(name, 0) + 1

    async def many(count: int) -> None:
        transport = Transport()
        gate = asyncio.Semaphore(200)

        async def gated() -> None:
            async with gate:
                await one(transport)

        await asyncio.gather(*(gated() for _ in range(count)))
        assert not transport.active
        assert not transport.waiting
        await transport.aclose()
        await until(lambda: not any(host._connections for host in hosts))

    tasks, files = len(asyncio.all_tasks()), descriptors()
    await many(1000)  # fills the caches and the allocator
    await until(lambda: (len(asyncio.all_tasks()), descriptors()) == (tasks, files))
    held = memory()
    await many(10_000)
    await until(lambda: (len(asyncio.all_tasks()), descriptors()) == (tasks, files))
    assert memory() - held < 64
    assert outcomes["NoneType"] > 5000, outcomes
    for way in ways:
        await way.__aexit__(None, None, None)
