"""What goes in (messages, media), what comes out (chunks), and what was lost on the way."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

Message: TypeAlias = Mapping[str, Any]
"""One turn: ``{"role": "user", "content": "..."}``, content as OpenAI's API has it."""

Messages: TypeAlias = Sequence[Message]

MediaSource: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO | Any
"""Bytes, a file's path, a binary file object, a ``data:`` URI, or a PIL image."""

MediaListType: TypeAlias = Sequence[tuple[MediaSource, str | None] | MediaSource]
"""Pictures: ``(source, file name or None)`` pairs, or bare sources."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen in one picture, before any model spoke.

    Attributes:
        content_type: by the picture's bytes, such as ``image/png``.
        width: in pixels, as the picture is to be shown.
        height: in pixels, as the picture is to be shown.
        size: in bytes.
        colours: names of the dominant colours, the largest share first.
        text: the lines read in it, from top to bottom.
        matches: indices of the lines of ``text`` that match the question.
    """

    content_type: str
    width: int
    height: int
    size: int
    colours: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    matches: tuple[int, ...] = ()

    @property
    def orientation(self) -> str:
        """``landscape``, ``portrait`` or ``square``."""
        if self.width == self.height:
            return "square"
        return "landscape" if self.width > self.height else "portrait"


@dataclass(frozen=True, slots=True)
class Usage:
    """How many tokens an ask took; ``estimated`` where the provider does not count them."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class FinishReason:
    """Why the answer ended: ``stop``, ``length``, ``tool_calls`` or ``content_filter``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person who asked, beside the answer and never part of it."""

    text: str


@dataclass(frozen=True, slots=True)
class ServedBy:
    """The model that really answered, where the server says so."""

    model: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer that is no text of its first choice, as OpenAI's wire has it.

    Attributes:
        choice: which of several answers (``n``) it belongs to, from 0.
        message: members of the message, such as ``tool_calls`` or ``refusal``; the ``content``
            of further choices.
        logprobs: the log probabilities of the tokens, where they were asked for.
        finish_reason: why a further choice ended.
    """

    choice: int
    message: Mapping[str, Any]
    logprobs: Mapping[str, Any] | None = None
    finish_reason: str | None = None


Chunk: TypeAlias = str | Facts | Usage | FinishReason | Notice | ServedBy | Delta
"""What a provider yields: text, and objects that a reader may skip."""

AsyncResult: TypeAlias = AsyncIterator[Chunk]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a request that a provider could not carry.

    Attributes:
        kind: ``roles``, ``media`` or ``option``.
        name: which one: a role, a file's name or number, an option.
        detail: one sentence.
    """

    kind: str
    name: str
    detail: str

    def __str__(self) -> str:
        return self.detail
