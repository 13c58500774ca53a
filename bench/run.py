"""One run: its rounds, its processes, and the cases it fills."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .peers import MissingPeerError
from .processes import MEASURED, Upstream, Worker, make_certificate
from .results import Case, Goal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Figures = dict[str, float]
    Measure = Callable[[], Figures]


class Run:
    """What the groups of one run share.

    Attributes:
        rounds: how often each contender is measured; they take turns.
        cases: what was measured so far.
        missing: the peers that could not be had, with the reason.
    """

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.cases: list[Case] = []
        self.missing: list[str] = []
        self._open = ExitStack()
        self._upstreams: dict[bool, Upstream] = {}

    def __enter__(self) -> Run:
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self._certificate = make_certificate(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def upstream(self, *, tls: bool = False) -> str:
        """The URL of the server that contenders ask."""
        if tls not in self._upstreams:
            certificate = self._certificate if tls else ()
            self._upstreams[tls] = self._open.enter_context(Upstream(certificate))
        return self._upstreams[tls].url

    def worker(
        self,
        contender: str,
        python: str = sys.executable,
        *,
        core: int | None = MEASURED,
        quiet: bool = False,
    ) -> Worker:
        """A process that makes a contender's calls, on one core or any; to be entered."""
        offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it asks the network at its import
        environment = {"SSL_CERT_FILE": self._certificate[0], **offline}
        return Worker(contender, python, environment, core, quiet=quiet)

    def wanted(self, name: str, get: Callable[[], str]) -> str | None:
        """A peer's program, or None, and a line for the report, where it cannot be had."""
        try:
            return get()
        except MissingPeerError as error:
            self.note_missing(name, str(error))
            return None

    def note_missing(self, name: str, reason: str) -> None:
        """Say, now and in the report, what could not be measured."""
        line = f"{name}: {reason}"
        if line not in self.missing:
            self.missing.append(line)
            self.say(f"MISSING {line}")

    def compare(
        self, group: str, name: str, measures: Mapping[str, Measure], columns: Sequence[Column]
    ) -> None:
        """Measure contenders in turns; each column of their figures becomes a case."""
        cases = [
            Case(group, f"{name}: {c.title}" if c.title else name, c.unit, c.more, list(c.goals))
            for c in columns
        ]
        given_up: set[str] = set()
        for number in range(self.rounds):
            turns = [turn for turn in measures.items() if turn[0] not in given_up]
            for contender, measure in turns if number % 2 == 0 else reversed(turns):
                try:
                    figures = measure()
                except RuntimeError as error:
                    self.note_missing(f"{contender}, {name}", str(error))
                    given_up.add(contender)
                    continue
                for case, column in zip(cases, columns, strict=True):
                    if column.key in figures:
                        case.rounds.setdefault(contender, []).append(figures[column.key])
        order = [contender for contender in measures if contender not in given_up]
        for case in cases:
            case.rounds = {name: case.rounds[name] for name in order if name in case.rounds}
        self.cases += cases
        for case in cases:
            self.say(_line(case))

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Column:
    """One figure of a measurement, as a case of the report.

    Args:
        key: its name among the figures.
        title: how the case is called; empty where it is the only one.
        unit: what it is counted in.
        more: whether more is better.
        goals: what ours is to reach.
    """

    def __init__(self, key: str, title: str, unit: str, *goals: Goal, more: bool = False) -> None:
        self.key, self.title, self.unit, self.more, self.goals = key, title, unit, more, goals


def asking(worker: Worker, job: Mapping[str, Any]) -> Measure:
    """A measurement that a worker makes."""
    return lambda: worker.ask(job)


def _line(case: Case) -> str:
    from .results import OURS, shown

    figures = ", ".join(f"{name} {shown(case.median(name))}" for name in case.rounds)
    ratios = ""
    if OURS in case.rounds:
        ratios = (
            " | ours / " + ", / ".join(f"{name} {shown(case.ratio(name))}" for name in case.peers())
            if case.peers()
            else ""
        )
    marks = "".join(f" [{case.verdict(goal)}]" for goal in case.goals)
    return f"{case.group} / {case.name}, {case.unit}: {figures}{ratios}{marks}"
