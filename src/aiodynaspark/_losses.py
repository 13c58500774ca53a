"""What of a request a wire could not carry, told to whoever asked for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import UsageError
from .types import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .prompt import Turn


def report(
    losses: Sequence[Loss], to: Callable[[list[Loss]], None] | None, *, strict: bool
) -> None:
    """Hand losses to the caller's callback.

    Raises:
        UsageError: there are any, and the caller wants none (``strict``).
    """
    if losses and strict:
        raise UsageError(" ".join(loss.detail for loss in losses))
    if losses and to is not None:
        to(list(losses))


def ignored_options(names: Iterable[str]) -> list[Loss]:
    """One loss for each option that has no meaning on this wire."""
    return [
        Loss("option", name, f"The option {name} has no meaning on this wire and was ignored.")
        for name in names
    ]


def merged_roles(turns: Sequence[Turn]) -> list[Loss]:
    """One loss for each kind of turn that became part of a single prompt."""
    if len(turns) < 2:
        return []
    roles = dict.fromkeys(turn.role for turn in turns)
    return [Loss("roles", role, f"The {role} turns became part of one prompt.") for role in roles]


def dropped_pictures(names: Iterable[str | None]) -> list[Loss]:
    """One loss for each picture that was left out."""
    return [
        Loss(
            "media",
            name or "",
            f"The picture {name or 'without a name'} was left out: one alone fits.",
        )
        for name in names
    ]
