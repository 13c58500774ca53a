"""Writes ``docs/speed.md`` from the figures of a run."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from .processes import ROOT
from .results import OURS, Case, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLES = {
    "call": "A call from a program",
    "stream": "Streams and large answers",
    "upload": "Large pictures",
    "import": "Starting up",
    "gateway": "The server as a gateway",
    "openai": "The OpenAI wire",
    "batch": "Batches",
    "ray": "Batches on a Ray cluster",
}
HEAD = """\
# Speed

This page is written by `python -m bench --write-docs`; run it yourself for your machine's figures.
Contenders are measured in turns, each in a process pinned to one core; what they talk to has the
other core. A figure is the median of {rounds} rounds; a ratio is the median of the ratios of single
rounds, because absolute rates of a shared machine swing while ratios hold. Our gateway
writes no access log here (`dynaspark serve --no-access-log`), as nginx and the minimal ones do not.
LiteLLM's proxy writes none either: it runs as its own notes on production say, with one worker for
the core and `LITELLM_LOG=ERROR`, and has no key to check and no database to write to. Its 99th
percentile shows that collecting garbage stops it for half a second now and then.

The Python gateways run on the event loop that their packages choose: uvloop for ours, FastAPI's
(`uvicorn[standard]`, which brings a faster HTTP parser as well) and LiteLLM's, asyncio's own for
the minimal aiohttp one, which is stock.

Two processes of a gateway share one port and both cores, also with the load and the upstream, which
hold the fastest back. The minimal FastAPI gateway turns Nagle's algorithm off, which uvicorn leaves
on for its workers alone, and which would cost an answer up to 40 ms.
"""


def write_docs(cases: Sequence[Case], missing: Sequence[str], machine: dict[str, str]) -> None:
    rounds = max((len(values) for case in cases for values in case.rounds.values()), default=0)
    parts = [HEAD.format(rounds=rounds), _machine(machine), _slower(cases)]
    for group, members in groupby(cases, key=lambda case: case.group):
        parts.append(f"## {TITLES.get(group, group)}\n\n{_table(list(members))}")
    if missing:
        parts.append("## Not measured\n\n" + "\n".join(f"- {line}" for line in missing) + "\n")
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    (folder / "speed.md").write_text("\n".join(parts))


def _machine(machine: dict[str, str]) -> str:
    return "The machine: " + "; ".join(f"{k} {v}" for k, v in machine.items()) + ".\n"


def _slower(cases: Sequence[Case]) -> str:
    """What is slower than whom, said first."""
    lines = [
        f"- {case.group}, {case.name}: {shown(case.ratio(peer))} times the {case.unit} of {peer}"
        for case in cases
        if OURS in case.rounds
        for peer in case.peers()
        if case.is_slower_than(peer)
    ]
    if not lines:
        return "In this run nothing measured was ahead of ours.\n"
    return "## Where others are ahead\n\n" + "\n".join(lines) + "\n"


def _table(cases: Sequence[Case]) -> str:
    rows = ["| what | unit | ours | others (ours / theirs) |", "|---|---|---|---|"]
    for case in cases:
        has_ours = OURS in case.rounds
        others = "; ".join(
            f"{peer} {shown(case.median(peer))}"
            + (f" ({shown(case.ratio(peer))} x)" if has_ours else "")
            for peer in case.peers()
        )
        ours = shown(case.median(OURS)) if has_ours else "-"
        rows.append(f"| {case.name} | {case.unit} | {ours} | {others} |")
    return "\n".join(rows) + "\n"
