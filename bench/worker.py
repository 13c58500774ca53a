"""Makes a contender's calls, on its own interpreter and core; jobs and figures are JSON lines.

``python -m bench.worker MODULE``: the module has ``call(job)``, an awaitable that makes one call
and returns the text's length, ``pieces(job)``, an asynchronous iterator over an answer's text, or
``measure(job)``, which does the measuring itself.
Nothing here is imported from outside the standard library, so that it runs in any environment.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
import tracemalloc
from importlib import import_module
from typing import Any

from .upstream import now


async def calls(contender: Any, job: dict[str, Any]) -> dict[str, float]:
    """Make ``count`` calls, ``flight`` of them at a time."""
    left = job["count"]

    async def one_after_the_other() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            if await contender.call(job) <= 0:
                raise RuntimeError("an answer was empty")

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*[one_after_the_other() for _ in range(job["flight"])])
    seconds = time.perf_counter() - start
    spent = time.process_time() - cpu
    return {"rate": job["count"] / seconds, "cpu": spent / job["count"] * 1e6, "seconds": seconds}


async def memory(contender: Any, job: dict[str, Any]) -> dict[str, float]:
    """The most memory that Python allocated at a time, and how the process grew, in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    held, _ = tracemalloc.get_traced_memory()
    await asyncio.gather(*[contender.call(job) for _ in range(job["flight"])])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak": (peak - held) / 1e6, "grown": (after - before) / 1e3}


async def stream(contender: Any, job: dict[str, Any]) -> dict[str, float]:
    """Read one stream: how late its first text came (ms), and the CPU of one piece (us)."""
    first = received = None
    length = 0
    cpu = time.process_time()
    async for text in contender.pieces(job):
        if first is None:
            received, first = now(), text
        length += len(text)
    spent = time.process_time() - cpu
    assert first is not None
    assert received is not None
    late = (received - int(first.split()[0])) / 1e6
    return {"late": late, "cpu": spent / job["chunks"] * 1e6, "length": length}


async def answer(contender: Any, job: dict[str, Any]) -> dict[str, float]:
    if job["do"] == "measure":
        figures: dict[str, float] = await contender.measure(job)
        return figures
    return await {"calls": calls, "memory": memory, "stream": stream}[job["do"]](contender, job)


async def main(name: str) -> None:
    contender = import_module(name)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            figures: dict[str, Any] = await answer(contender, json.loads(line))
        except Exception as error:
            figures = {"error": f"{name}: {type(error).__name__}: {error}"}
        print(json.dumps(figures), flush=True)
    if hasattr(contender, "close"):
        await contender.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
