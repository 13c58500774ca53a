"""Sends requests to a gateway and reads its answers, with as little work as possible.

``python -m bench.load``: jobs and figures are JSON lines. A job names the port, the request's
bytes, how many requests (``count``) and how many at a time (``flight``).
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from statistics import median
from typing import Any

LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\ntransfer-encoding: *chunked", re.IGNORECASE)
TEXT = re.compile(rb"\d{12,} ")
"""How an upstream's stream begins: the time at which it was sent."""

PATIENCE = 30.0
"""Seconds that a gateway gets for all requests of one job."""


class Client(asyncio.Protocol):
    """Asks again and again over one connection while there are requests left."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._data = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(f"the gateway hung up: {bytes(self._data[:200])}"))

    def ask(self) -> None:
        if not self._load.left:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._load.left -= 1
        self._started = time.perf_counter()
        self._first = 0.0
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._first and TEXT.search(self._data):
            self._first = time.perf_counter() - self._started
        try:
            if self._is_whole():
                self._take()
        except RuntimeError as error:
            self.done.set_exception(error)
            self._transport.close()

    def _take(self) -> None:
        """One answer is whole; ask for the next."""
        if b" 200 " not in self._data[:16]:
            raise RuntimeError(f"the gateway answered {bytes(self._data[:300])!r}")
        self._load.taken.append(time.perf_counter() - self._started)
        if self._first:
            self._load.firsts.append(self._first)
        self._data.clear()
        self.ask()

    def _is_whole(self) -> bool:
        end = self._data.find(b"\r\n\r\n", 0, 4096)
        if end < 0:
            return False
        if length := LENGTH.search(self._data, 0, end):
            return len(self._data) >= end + 4 + int(length[1])
        if CHUNKED.search(self._data, 0, end):
            return self._data.endswith(b"0\r\n\r\n")
        raise RuntimeError("the gateway frames its answer by the end of the connection")


class Load:
    """What the connections of one job share."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.left: int = job["count"]
        self.request: bytes = job["request"].encode()
        self.taken: list[float] = []
        self.firsts: list[float] = []


async def put(job: dict[str, Any]) -> dict[str, float]:
    load = Load(job)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Client(load), "127.0.0.1", job["port"])
        for _ in range(job["flight"])
    ]
    start = time.perf_counter()
    for _, client in opened:
        client.ask()
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*[client.done for _, client in opened])
    except TimeoutError:
        said = f"{len(load.taken)} of {job['count']} answers in {PATIENCE:.0f} s"
        raise TimeoutError(said) from None
    finally:
        for transport, _ in opened:
            transport.abort()
    seconds = time.perf_counter() - start
    load.taken.sort()
    figures = {
        "rate": job["count"] / seconds,
        "p99": load.taken[int(len(load.taken) * 0.99)] * 1000,
        "seconds": seconds,
    }
    if load.firsts:
        figures["first"] = median(load.firsts) * 1000
    return figures


async def main() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            figures: dict[str, Any] = await put(json.loads(line))
        except Exception as error:
            figures = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
