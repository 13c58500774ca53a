"""The report page: bars of medians with a mark for each round, as plain SVG."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from .docs import TITLES
from .results import OURS, Case, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LABEL, ROW = 760, 200, 24
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
svg { display: block; margin: .3rem 0 1.2rem; max-width: 100% }
h3 { margin: 1rem 0 0; font-size: 1rem } .goal { color: #555; margin: 0 }
.short { color: #b00020 } .reached, .beyond { color: #156f3b }
text { font: 13px system-ui, sans-serif } table { border-collapse: collapse }
td { padding: .1rem .8rem .1rem 0 }
"""


def page(cases: Sequence[Case], missing: Sequence[str], machine: dict[str, str]) -> str:
    """The whole page; it needs nothing besides itself."""
    rows = "".join(f"<tr><td>{escape(k)}</td><td>{escape(v)}</td></tr>" for k, v in machine.items())
    parts = [f"<h1>Measurements</h1><table>{rows}</table>"]
    for group, members in groupby(cases, key=lambda case: case.group):
        parts.append(f"<h2>{escape(TITLES.get(group, group))}</h2>")
        parts += [_plot(case) for case in members]
    if missing:
        parts.append("<h2>Not measured</h2>")
        parts += [f"<p>{escape(line)}</p>" for line in missing]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Measurements</title>'
        f"<style>{STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def _plot(case: Case) -> str:
    most = max((max(values) for values in case.rounds.values()), default=0) or 1
    scale = (WIDTH - LABEL - 90) / most
    rows = "".join(_row(number, name, case, scale) for number, name in enumerate(case.rounds))
    height = ROW * len(case.rounds)
    better = "more" if case.more_is_better else "less"
    return (
        f"<h3>{escape(case.name)} ({escape(case.unit)}, {better} is better)</h3>{_goals(case)}"
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(case.name)}">{rows}</svg>'
    )


def _row(number: int, name: str, case: Case, scale: float) -> str:
    top = number * ROW
    value = case.median(name)
    colour = "#2563a8" if name == OURS else "#b9c3cf"
    marks = "".join(
        f'<circle cx="{LABEL + single * scale:.1f}" cy="{top + 11}" r="2.5" fill="#222"/>'
        for single in case.rounds[name]
    )
    end = LABEL + max(*case.rounds[name], value) * scale + 8
    return (
        f'<text x="{LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABEL}" y="{top + 3}" width="{value * scale:.1f}" height="16" fill="{colour}"/>'
        f'{marks}<text x="{end:.1f}" y="{top + 15}">{shown(value)}</text>'
    )


def _goals(case: Case) -> str:
    lines = []
    for goal in case.goals:
        value = case.reached(goal)
        against = f"against {goal.against}" if goal.against else "as it is"
        said = "not measured" if value is None else shown(value)
        lines.append(
            f'<p class="goal">goal {goal.at_least:g}, beyond {goal.beyond:g}, {escape(against)}: '
            f'<span class="{case.verdict(goal)}">{said}, {case.verdict(goal)}</span></p>'
        )
    return "".join(lines)
