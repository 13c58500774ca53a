"""A batch against a bare asyncio loop with aiohttp, on a server that answers after 50 ms.

``python -m bench.batch [ROUNDS]`` takes both in turns, and prints rows per second and the ratio of
each pair. The server runs in a process of its own. The bare loop keeps so many requests under way,
and writes a line for each answer; it checks, retries and remembers nothing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from aiodynaspark import Dynaspark, Model, batch

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER_AFTER = 0.05
AT_ONCE = (16, 64, 256)
SECONDS = 3
"""How long one measurement takes about, where nothing but the server takes time."""


async def answer(request: web.Request) -> web.Response:
    await request.post()
    await asyncio.sleep(ANSWER_AFTER)
    return web.Response(body=b'{"response": "an answer of the usual kind"}')


def serve(told: Any) -> None:
    async def main() -> None:
        app = web.Application()
        app.router.add_post("/generate_response", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await asyncio.Event().wait()

    asyncio.run(main())


async def bare(jobs: Path, out: Path, url: str, at_once: int) -> None:
    with jobs.open() as lines, out.open("w") as file:
        connector = aiohttp.TCPConnector(limit=at_once)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for line in lines:
                    form = {"user_input": json.loads(line)["prompt"], "ai_model": "m"}
                    async with session.post(f"{url}/generate_response", data=form) as response:
                        text = (await response.json(content_type=None))["response"]
                    file.write(json.dumps({"response": text}) + "\n")

            await asyncio.gather(*(work() for _ in range(at_once)))


async def ours(jobs: Path, out: Path, url: str, at_once: int | None) -> None:
    model = Model(Dynaspark, "m", {"url": url})
    tally = await batch.run(jobs, model, out=out, concurrency=at_once)
    assert (tally.answered, tally.failed) == (tally.rows, 0)


def rate(work: Any, directory: Path, url: str, at_once: int | None, rows: int) -> float:
    """Rows per second, in an event loop of its own."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        jobs, out = Path(place, "jobs.jsonl"), Path(place, "out.jsonl")
        jobs.write_text(
            "".join(json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(rows))
        )
        started = time.perf_counter()
        asyncio.run(work(jobs, out, url, at_once))
        return rows / (time.perf_counter() - started)


def pairs(directory: Path, url: str, at_once: int, rounds: int) -> Iterator[tuple[float, float]]:
    rows = int(SECONDS * at_once / ANSWER_AFTER)
    rows = min(rows, 5_000)
    for _ in range(rounds):
        yield (
            rate(bare, directory, url, at_once, rows),
            rate(ours, directory, url, at_once, rows),
        )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    told, tell = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tell,), daemon=True)
    server.start()
    url = told.recv()
    print(f"{'at once':>8} {'bare':>8} {'ours':>8}  ratio (median, of each pair)")
    with tempfile.TemporaryDirectory() as directory:
        for at_once in AT_ONCE:
            measured = list(pairs(Path(directory), url, at_once, rounds))
            ratios = [mine / theirs for theirs, mine in measured]
            middle = [statistics.median(column) for column in zip(*measured, strict=True)]
            each = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
            median = statistics.median(ratios)
            print(f"{at_once:8} {middle[0]:8,.0f} {middle[1]:8,.0f}  {median:.2f}  ({each})")
        adapted = rate(ours, Path(directory), url, None, 5_000)
        print(f"{'auto':>8} {'':8} {adapted:8,.0f}")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
