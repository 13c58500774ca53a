"""Hears an answer: shows it as it comes, and keeps what it says and how long it took."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from ..types import ServedBy, Usage
from .progress import looking

if TYPE_CHECKING:
    from ..model import Model
    from ..types import Chunk, Message
    from .show import Display


class Heard:
    """What came of an answer so far.

    Attributes:
        model: the model that answered, where the server says so.
    """

    def __init__(self) -> None:
        self.model = ""
        self._pieces: list[str] = []
        self._started = time.monotonic()
        self._first: float | None = None
        self._usage: Usage | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    def take(self, chunk: Chunk) -> None:
        """Take in one chunk."""
        match chunk:
            case str():
                self._pieces.append(chunk)
                self._first = self._first or time.monotonic()
            case Usage():
                self._usage = chunk
            case ServedBy(model):
                self.model = model

    def summary(self) -> str:
        """Tokens where they are known, the time to the first text, and the rate after it."""
        now = time.monotonic()
        first = self._first or now
        parts = [f"first text after {first - self._started:.2f} s"]
        parts.append(f"{now - self._started:.2f} s in all")
        if self._usage:
            counted = f"{self._usage.prompt_tokens} + {self._usage.completion_tokens} tokens"
            parts.insert(0, f"about {counted}" if self._usage.estimated else counted)
            if now > first:
                parts.append(f"{self._usage.completion_tokens / (now - first):.0f} tokens/s")
        return ", ".join(parts)


async def hear(
    model: Model,
    messages: list[Message],
    media: list[tuple[Any, str]],
    show: Display,
    heard: Heard,
    **options: Any,
) -> None:
    """Ask a model, show the answer, and keep in ``heard`` what comes of it, to its end or not."""
    chunks = model.stream(
        messages,
        media=media or None,
        losses=show.lost,
        notify=lambda sentence: click.echo(sentence, err=True),
        **options,
    )
    async with aclosing(chunks):
        with looking(media) as seen:
            async for chunk in chunks:
                seen()
                heard.take(chunk)
                show.show(chunk)
