"""Figures of a run, and what they come to: medians, ratios taken round by round, goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

OURS = "ours"


@dataclass(frozen=True)
class Goal:
    """What ours is to reach.

    Attributes:
        at_least: the figure, or the ratio to ``against``.
        beyond: the one to aim at after that.
        against: a contender; None where the figure itself counts.
    """

    at_least: float
    beyond: float
    against: str | None = None


@dataclass
class Case:
    """One thing measured for several contenders, in rounds that took turns."""

    group: str
    name: str
    unit: str
    more_is_better: bool = False
    goals: list[Goal] = field(default_factory=list)
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, contender: str) -> float:
        return median(self.rounds[contender])

    def ratio(self, against: str) -> float:
        """Ours over another, the median of the ratios of single rounds."""
        pairs = zip(self.rounds[OURS], self.rounds[against], strict=True)
        return median([ours / max(theirs, 1e-9) for ours, theirs in pairs])

    def peers(self) -> list[str]:
        return [name for name in self.rounds if name != OURS]

    def reached(self, goal: Goal) -> float | None:
        """The figure that a goal is about, None where nothing was measured for it."""
        if OURS not in self.rounds:
            return None
        if goal.against is None:
            return self.median(OURS)
        return self.ratio(goal.against) if goal.against in self.rounds else None

    def verdict(self, goal: Goal) -> str:
        value = self.reached(goal)
        if value is None:
            return "not measured"
        if self._meets(value, goal.beyond):
            return "beyond"
        return "reached" if self._meets(value, goal.at_least) else "short"

    def is_slower_than(self, peer: str) -> bool:
        ratio = self.ratio(peer)
        return ratio < 1 if self.more_is_better else ratio > 1

    def _meets(self, value: float, limit: float) -> bool:
        return value >= limit if self.more_is_better else value <= limit


def shown(value: float) -> str:
    """A figure with three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
