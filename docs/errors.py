"""Writes ``docs/errors.md``: asks every faulty host and notes what the caller sees.

``python docs/errors.py`` writes the file; with ``--json`` it prints the run instead.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from aiodynaspark import Dynaspark, DynasparkError
from aiodynaspark.server.faults import PROFILES, Host

FILE = Path(__file__).with_suffix(".md")
TIMEOUT = 4.0
HELLO = [{"role": "user", "content": "hello"}]
LARGE = ("bomb", "endless")
UNASKED = ("asleep-for", "flaky")
"""Profiles whose outcome is a matter of time or chance."""

PREFACE = """\
# What you see when a host fails

Each row was asked for with `timeout={timeout:g}` and the default two retries, once as a stream and
once whole (`stream=False`). *Tries* are the requests that the host counted, streamed / whole. The
sentence is that of the streamed call, and of the whole one where it is another.

Try your own program against any of them: `dynaspark serve --fault NAME`.

| `--fault` | the host ... | you see | tries |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Outcome:
    """How one ask ended, after how many tries and seconds, and by how many MiB memory grew."""

    error: str
    sentence: str
    partial: str
    tries: int
    seconds: float
    grown: float

    def told(self) -> str:
        """The outcome as a cell of the table."""
        if not self.error:
            return "the answer"
        text = f"`{self.error}`: {self.sentence}"
        return f"{text} `.partial` holds the text so far." if self.partial else text


async def asked(fault: str, *, stream: bool) -> Outcome:
    """Ask one faulty host once."""
    host = Host(fault)
    before = _memory("VmRSS")
    _forget_peak()
    loop = asyncio.get_running_loop()
    async with host.listening() as url:
        started, text, error = loop.time(), "", None
        chunks = Dynaspark.create_async_generator(
            "", HELLO, url=url, timeout=TIMEOUT, stream=stream
        )
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    text += chunk if isinstance(chunk, str) else ""
        except DynasparkError as raised:
            error = raised
        seconds = loop.time() - started
        sentence = re.sub(r"http://127\.0\.0\.1:\d+", "http://HOST", str(error or ""))
        partial = getattr(error, "partial", "")
        name = type(error).__name__ if error else ""
        grown = _memory("VmHWM") - before
        return Outcome(name, sentence, partial[:100], host.requests, seconds, grown)


async def run() -> dict[str, tuple[Outcome, Outcome]]:
    """Ask all of them, streamed and whole: one by one those that send much, the others at once."""
    asks = [(f, stream) for f in sorted(PROFILES.keys() - set(UNASKED)) for stream in (True, False)]
    alone = {ask: await asked(ask[0], stream=ask[1]) for ask in asks if ask[0] in LARGE}
    others = [ask for ask in asks if ask not in alone]
    outcomes = await asyncio.gather(*(asked(fault, stream=stream) for fault, stream in others))
    found = alone | dict(zip(others, outcomes, strict=True))
    return {fault: (found[fault, True], found[fault, False]) for fault, _ in asks}


def render(outcomes: dict[str, tuple[Outcome, Outcome]]) -> str:
    """The page."""
    rows = []
    for fault, (streamed, whole) in outcomes.items():
        told = streamed.told()
        if (streamed.error, streamed.sentence) != (whole.error, whole.sentence):
            told += f" Whole: {whole.told()}"
        profile = PROFILES[fault]
        shown = f"`{fault}:{profile.value:g}`" if profile.value else f"`{fault}`"
        cells = (shown, profile.description, told, f"{streamed.tries} / {whole.tries}")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return PREFACE.format(timeout=TIMEOUT) + "".join(rows)


def _memory(line: str) -> float:
    """What this process holds (``VmRSS``) or has held at most (``VmHWM``), in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{line}:")[2].split(maxsplit=1)[0]) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    """Run, and write or print."""
    asyncio.run(asked("none", stream=True))
    outcomes = asyncio.run(run())
    if "--json" in sys.argv:
        rows = {fault: [asdict(outcome) for outcome in both] for fault, both in outcomes.items()}
        print(json.dumps({"rows": rows, "page": render(outcomes)}))
    else:
        FILE.write_text(render(outcomes))


if __name__ == "__main__":
    main()
