"""Kills a batch again and again, and looks whether a row was lost, doubled or changed.

``python -m bench.batch_kill [KILLS [ROWS]]`` kills -9 at random moments; 100 times by default.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

CONCURRENCY = 32
ANSWER_AFTER = 0.005


@dataclass
class Server:
    """Answers each prompt with itself, and counts how often each was asked."""

    calls: Counter[str] = field(default_factory=Counter)
    wanted: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def after(self, calls: int) -> asyncio.Event:
        """An event that is set when so many further calls have come."""
        self.wanted, self.reached = self.calls.total() + calls, asyncio.Event()
        return self.reached

    async def answer(self, request: web.Request) -> web.Response:
        prompt = str((await request.post())["user_input"])
        self.calls[prompt] += 1
        if self.calls.total() >= self.wanted:
            self.reached.set()
        await asyncio.sleep(ANSWER_AFTER)
        return web.json_response({"response": f"answer to {prompt}"})

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/generate_response", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner


@dataclass
class Report:
    """What a drill came to; all but ``kills`` and ``repeated`` have to be 0."""

    kills: int = 0
    repeated: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0


async def drill(directory: Path, *, kills: int, rows: int, seed: int) -> Report:
    """Run a batch to its end through so many kills, and compare it with what it had to be."""
    chance, server = random.Random(seed), Server()
    runner = await server.start()
    jobs, out = directory / "jobs.jsonl", directory / "answers.jsonl"
    prompts = [f"question {number}" for number in range(rows)]
    jobs.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
    report = Report()
    try:
        while report.kills < kills:
            reached = server.after(chance.randint(1, max(1, rows // kills)))
            run = await _start(jobs, out, server.url)
            end, moment = asyncio.create_task(run.wait()), asyncio.create_task(reached.wait())
            await asyncio.wait([end, moment], return_when=asyncio.FIRST_COMPLETED)
            moment.cancel()
            await asyncio.sleep(chance.uniform(0, ANSWER_AFTER))
            if end.done():
                break
            run.kill()
            report.kills += 1
            await end
        run = await _start(jobs, out, server.url)
        assert await run.wait() == 0
    finally:
        await runner.cleanup()
    _compare(out, prompts, report)
    report.repeated = server.calls.total() - rows
    return report


async def _start(jobs: Path, out: Path, url: str) -> asyncio.subprocess.Process:
    arguments = ["batch", jobs, out, "--url", url, "--concurrency", str(CONCURRENCY)]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiodynaspark", *arguments), stderr=asyncio.subprocess.DEVNULL
    )


def _compare(out: Path, prompts: list[str], report: Report) -> None:
    written = [json.loads(line) for line in out.read_text().splitlines()]
    found = Counter(row["id"] for row in written)
    said = {row["id"]: row["response"]["body"]["choices"][0]["message"] for row in written}
    for number, prompt in enumerate(prompts, 1):
        count = found.pop(f"batch_req_{number}", 0)
        report.lost += count == 0
        report.doubled += max(0, count - 1)
        if count:
            report.changed += said[f"batch_req_{number}"]["content"] != f"answer to {prompt}"
    report.doubled += found.total()


def main() -> None:
    kills, rows, *_ = [*map(int, sys.argv[1:]), *(100, 2_000)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as directory:
        report = asyncio.run(drill(Path(directory), kills=kills, rows=rows, seed=kills))
    print(report)
    print(f"repeated calls: {report.repeated}, allowed {report.kills * CONCURRENCY}")


if __name__ == "__main__":
    main()
