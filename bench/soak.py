"""Whether anything grows: asks a flaky host for a long time and watches memory and descriptors.

``python -X dev -W error -m bench.soak --minutes 20`` prints a line per minute and a verdict: after
the first five minutes nothing may grow. The host is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from aiodynaspark import Dynaspark, DynasparkError
from aiodynaspark.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO = [{"role": "user", "content": "hello"}]
WARM_UP = 5
"""Minutes that may still grow."""

SLACK_MEMORY = 16.0
SLACK_FILES = 64
"""What the minutes after it may differ by: MiB, and descriptors (connections come and go)."""


@dataclass
class Held:
    """What this process held at the seconds of one minute: MiB, thousands of blocks, files."""

    memory: list[float] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Note what is held now."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        self.blocks.append(sys.getallocatedblocks() // 1000)
        self.files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))


@asynccontextmanager
async def flaky_host(share: float) -> AsyncIterator[str]:
    """Start a flaky host as a process; yields its URL."""
    command = [sys.executable, "-m", "aiodynaspark", "serve", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, "--fault", f"flaky:{share:g}", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        yield line.partition(" at ")[2].split()[0]
    finally:
        process.terminate()
        await process.wait()


class Soak:
    """Asks at a steady rate, whatever becomes of the asks."""

    def __init__(self, url: str, transport: Transport) -> None:
        self.outcomes: Counter[str] = Counter()
        self.asks: set[asyncio.Task[None]] = set()
        self._url = url
        self._transport = transport

    async def _ask(self, stream: bool) -> None:
        chunks = Dynaspark.create_async_generator(
            "", HELLO, url=self._url, timeout=5, stream=stream, transport=self._transport,
            notify=lambda sentence: None,
        )  # fmt: skip
        try:
            async for _ in chunks:
                pass
            self.outcomes["answered"] += 1
        except DynasparkError as error:
            self.outcomes[type(error).__name__] += 1

    async def minute(self, rate: float) -> Held:
        """Ask for one minute, ``rate`` times a second."""
        loop, held = asyncio.get_running_loop(), Held()
        started, count = loop.time(), 0
        while (elapsed := loop.time() - started) < 60:
            count = max(count, int((elapsed - 1) * rate))  # what a stalled machine missed is let go
            while count < elapsed * rate:
                task = asyncio.create_task(self._ask(stream=count % 2 == 0))
                self.asks.add(task)
                task.add_done_callback(self._ended)
                count += 1
            if len(held.files) < elapsed:
                held.look()
            await asyncio.sleep(0.01)
        return held

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.asks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.outcomes[f"UNTYPED {task.exception()!r}"] += 1


def verdict(minutes: list[Held], outcomes: Counter[str]) -> str:
    """Whether the later minutes hold more than those before them, the first ones left out.

    What a minute holds at least is what counts: the most of it is what its asks need for a moment.
    """
    if untyped := [name for name in outcomes if name.startswith("UNTYPED")]:
        return f"NOT GOOD: {', '.join(untyped)}"
    late = minutes[WARM_UP:]
    if len(late) < 2:
        return f"no verdict: that takes more than {WARM_UP + 1} minutes"
    half = len(late) // 2
    least = [(min(held.memory), min(held.files)) for held in late]
    before, after = least[:half], least[half:]
    grown = median(m for m, _ in after) - median(m for m, _ in before)
    more = median(f for _, f in after) - median(f for _, f in before)
    flat = grown < SLACK_MEMORY and more < SLACK_FILES
    return (
        f"{'flat' if flat else 'NOT FLAT'}: the second half of the minutes after the first "
        f"{WARM_UP} holds {grown:+.1f} MiB and {more:+.0f} descriptors against the first half"
    )


async def soak(length: int, rate: float, share: float) -> bool:
    """Run, print, and tell whether all is well."""
    asyncio.get_running_loop().slow_callback_duration = 60  # on a shared machine they say little
    transport = Transport()
    minutes: list[Held] = []
    print("minute  MiB, least   most  blocks, thousands  files, least   most     asks", flush=True)
    async with flaky_host(share) as url:
        run = Soak(url, transport)
        for minute in range(1, length + 1):
            held = await run.minute(rate)
            minutes.append(held)
            print(
                f"{minute:6} {min(held.memory):11.1f} {max(held.memory):6.1f} "
                f"{min(held.blocks):18} {min(held.files):13} {max(held.files):6} "
                f"{sum(run.outcomes.values()):8}",
                flush=True,
            )
        await asyncio.gather(*run.asks, return_exceptions=True)
    await transport.aclose()
    print(", ".join(f"{name} {count}" for name, count in run.outcomes.most_common()))
    rest = Held()
    rest.look()
    print(f"at rest: {rest.memory[0]:.1f} MiB, {rest.files[0]} files, {transport!r}")
    said = verdict(minutes, run.outcomes)
    print(said)
    return "NOT" not in said


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rate", type=float, default=100, help="asks a second")
    parser.add_argument("--share", type=float, default=0.1, help="of requests that meet a fault")
    options = parser.parse_args()
    started = time.time()
    well = asyncio.run(soak(options.minutes, options.rate, options.share))
    print(f"took {time.time() - started:.0f} s")
    sys.exit(not well)


if __name__ == "__main__":
    main()
