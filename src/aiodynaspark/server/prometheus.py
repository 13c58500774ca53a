"""Prometheus' text format, as much of it as a server's own figures need. Pure.

See https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Labels: TypeAlias = tuple[tuple[str, str], ...]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """How often which values occurred, by a few labels.

    Args:
        name: of the metric, with its unit.
        about: one sentence.
        bounds: upper bounds of the buckets, ascending.
    """

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self.name = name
        self._about = about
        self._bounds = (*bounds, float("inf"))
        self._series: dict[Labels, list[float]] = {}

    def observe(self, value: float, labels: Labels) -> None:
        """Count a value under labels, given as pairs of name and text."""
        if (series := self._series.get(labels)) is None:
            series = self._series[labels] = [0.0] * (len(self._bounds) + 1)
        series[bisect_left(self._bounds, value)] += 1
        series[-1] += value

    def render(self) -> Iterable[str]:
        """The metric's lines."""
        yield from _head(self.name, self._about, "histogram")
        for labels, (*counts, total) in self._series.items():
            so_far = 0.0
            for bound, count in zip(self._bounds, counts, strict=True):
                so_far += count
                limit = ("le", "+Inf" if bound == float("inf") else f"{bound:g}")
                yield _line(f"{self.name}_bucket", (*labels, limit), so_far)
            yield _line(f"{self.name}_sum", labels, total)
            yield _line(f"{self.name}_count", labels, so_far)


def render_number(name: str, about: str, kind: str, value: float) -> Iterable[str]:
    """The lines of a ``gauge`` or ``counter`` without labels."""
    yield from _head(name, about, kind)
    yield _line(name, (), value)


def _head(name: str, about: str, kind: str) -> Iterable[str]:
    yield f"# HELP {name} {about}\n"
    yield f"# TYPE {name} {kind}\n"


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{inside}}} {value:.9g}\n" if inside else f"{name} {value:.9g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
