"""What the commands keep of a conversation, and how they continue one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from .. import settings
from ..history import History, HistoryError
from .progress import patience

if TYPE_CHECKING:
    from pathlib import Path

    from ..types import Message

OFF = "history-off"


class Earlier(NamedTuple):
    """A conversation to go on with: its id, its turns and the model that answered last."""

    id: str | None
    turns: list[Message]
    model: str


def history() -> History:
    """The user's conversations."""
    return History(settings.data_directory() / "history.db")


def is_off() -> bool:
    """Whether the user wants nothing kept."""
    return switch().exists()


def switch() -> Path:
    """The file whose presence means that nothing is kept."""
    return settings.data_directory() / OFF


def continued(conversation: str | None, *, latest: bool) -> Earlier:
    """The conversation to continue; an empty one to begin.

    Raises:
        UsageError: there is no such conversation, or none at all.
        HistoryError: the history cannot be read.
    """
    if conversation is None and not latest:
        return Earlier(None, [], "")
    found = history().find(conversation)
    return Earlier(found.id, [*history().turns(found.id)], found.model)


def asked_before() -> list[str]:
    """Prompts to recall, the oldest first; none where the history cannot be read."""
    try:
        return history().prompts()
    except HistoryError:
        return []


def keep(
    conversation: str | None, *, model: str, turns: list[Message], instead_of: int = 0
) -> str | None:
    """Keep turns and return the conversation's id; None where that is off, or fails and says so.

    ``instead_of`` is how many turns at the conversation's end they replace.
    """
    if is_off():
        return None
    try:
        with patience("waiting for the history ..."):
            return history().add(conversation, model=model, turns=turns, instead_of=instead_of)
    except HistoryError as error:
        click.echo(f"Not kept: {error}", err=True)
        return None
