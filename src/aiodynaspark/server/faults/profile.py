"""What a fault is, and the table of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .visit import Visit

    Play = Callable[[Visit], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to fail.

    Attributes:
        name: as on the command line.
        description: one line; ``N`` in it is the number that may follow the name.
        value: that number where none is given.
        play: answers one request.
    """

    name: str
    description: str
    value: float
    play: Play


PROFILES: dict[str, Profile] = {}
"""All profiles by their names."""


def profile(value: float = 0) -> Callable[[Play], Play]:
    """Put a coroutine function into the table, named and described by itself."""

    def register(play: Play) -> Play:
        name = play.__name__.strip("_").replace("_", "-")
        PROFILES[name] = Profile(name, (play.__doc__ or "").strip(), value, play)
        return play

    return register


def find(text: str) -> tuple[Profile, float]:
    """Read ``NAME`` or ``NAME:N``.

    Raises:
        UsageError: there is no such profile, or N is no number of zero or more.
    """
    name, colon, number = text.partition(":")
    if name not in PROFILES:
        raise UsageError(f"There is no fault {name!r}; `--fault list` shows all of them.")
    found = PROFILES[name]
    try:
        value = float(number) if colon else found.value
    except ValueError:
        value = -1
    if not 0 <= value < 1e6:
        raise UsageError(f"{text!r} is no fault and number, such as {name}:{found.value:g}.")
    return found, value
