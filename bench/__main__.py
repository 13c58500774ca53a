"""``python -m bench``: run the groups, print the figures, write what was asked for."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from .docs import write_docs
from .groups import GROUPS
from .machine import describe
from .report import page
from .results import Case
from .run import Run


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process outlives the run
    with Run(options.rounds) as run:
        for group in options.only or GROUPS:
            import_module(f"bench.groups.{GROUPS[group]}").run(run)
    machine = describe()
    if options.json:
        _write_json(options.json, machine, run)
    if options.report:
        options.report.write_text(page(run.cases, run.missing, machine))
    if options.write_docs:
        write_docs(run.cases, run.missing, machine)
    _summarise(run)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="at least five make a figure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a page with plots")
    parser.add_argument("--write-docs", action="store_true", help="write docs/speed.md")
    return parser.parse_args()


def _write_json(path: Path, machine: dict[str, str], run: Run) -> None:
    cases = [asdict(case) for case in run.cases]
    data = {"machine": machine, "missing": run.missing, "cases": cases}
    path.write_text(json.dumps(data, indent=1) + "\n")


def _summarise(run: Run) -> None:
    verdicts = [(case, case.verdict(goal)) for case in run.cases for goal in case.goals]
    short: list[Case] = [case for case, verdict in verdicts if verdict == "short"]
    print(f"{len(verdicts) - len(short)} of {len(verdicts)} goals are reached.")
    for case in short:
        print(f"short: {case.group} / {case.name}")
    for missing in run.missing:
        print(f"missing: {missing}")


if __name__ == "__main__":
    main()
