"""A chat as the engine takes it: roles that its template knows, texts and data URIs (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..media import to_data_uri
from ..prompt import turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import MediaSource, Messages

_SYSTEM = "You are a helpful assistant. Answer briefly and in English."
_ROLES = {"system": "system", "developer": "system", "assistant": "assistant"}


def chat(messages: Messages, *, small: bool) -> list[dict[str, Any]]:
    """Build the engine's chat; the small model is told to be brief where no one told it else.

    Raises:
        UsageError: there is no message, or one is malformed.
    """
    built = [
        {"role": _ROLES.get(turn.role, "user"), "content": turn.text} for turn in turns(messages)
    ]
    if small and not any(turn["role"] == "system" for turn in built):
        return [*opening(), *built]
    return built or [{"role": "user", "content": ""}]


def opening() -> list[dict[str, Any]]:
    """The fixed beginning of the small model's chats."""
    return [{"role": "system", "content": _SYSTEM}]


def with_description(messages: Messages, described: str) -> list[dict[str, Any]]:
    """Build the chat for a model that does not see: the last turn gets the description."""
    built = chat(messages, small=False)
    last = built[-1]
    return [*built[:-1], {**last, "content": f"{described}\n\n{last['content']}"}]


def with_pictures(messages: Messages, pictures: Sequence[MediaSource]) -> list[dict[str, Any]]:
    """Build the chat for a model that sees: the last turn gets the pictures as data URIs.

    Raises:
        UnsupportedMedia: one is no picture that is taken here.
    """
    built = chat(messages, small=False)
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": to_data_uri(picture)}} for picture in pictures
    ]
    parts.append({"type": "text", "text": built[-1]["content"]})
    return [*built[:-1], {**built[-1], "content": parts}]
