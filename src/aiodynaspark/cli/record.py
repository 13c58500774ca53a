"""What the commands keep of a conversation, and how they continue one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import settings
from ..errors import UsageError
from ..history import History, HistoryError

if TYPE_CHECKING:
    from pathlib import Path

    from ..types import Message

OFF = "history-off"


def history() -> History:
    """The user's conversations."""
    return History(settings.data_directory() / "history.db")


def is_off() -> bool:
    """Whether the user wants nothing kept."""
    return switch().exists()


def switch() -> Path:
    """The file whose presence means that nothing is kept."""
    return settings.data_directory() / OFF


def continued(conversation: str | None, *, latest: bool) -> tuple[str | None, list[Message]]:
    """The id and the turns of the conversation to continue; none for a new one.

    Raises:
        UsageError: there is no such conversation, or none at all.
        HistoryError: the history cannot be read.
    """
    if latest and conversation is None:
        found = history().conversations(limit=1)
        if not found:
            raise UsageError("There is no conversation to continue yet; ask without -c first.")
        conversation = found[0].id
    return conversation, [*history().turns(conversation)] if conversation else []


def keep(conversation: str | None, *, model: str, turns: list[Message]) -> str | None:
    """Keep turns and return the conversation's id; where that fails, say so and go on."""
    if is_off():
        return conversation
    try:
        return history().add(conversation, model=model, turns=turns)
    except HistoryError as error:
        click.echo(f"Not kept: {error}", err=True)
        return conversation
