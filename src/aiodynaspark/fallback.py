"""A model made of models: asks them in order, and leaves out for a while one that is dead."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import DynasparkError, UsageError
from .model import Model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from typing import Self

    from .types import Chunk, Loss, MediaListType, Messages

__all__ = ["Fallback"]

FAILURES = 5
"""So many in a row, and a model is left out."""

LEFT_OUT = 30.0
"""Seconds that a model is left out the first time; twice that the second time, and so on."""


@dataclass(slots=True)
class Health:
    """What is known of one model; the times are seconds of the caller's clock."""

    failures: int = 0
    times_out: int = 0
    out_until: float = 0.0

    def succeeded(self) -> None:
        """Forget its failures."""
        self.failures = self.times_out = 0
        self.out_until = 0.0

    def failed(self, now: float, *, others: bool) -> None:
        """Count a failure; the last model that is left is never left out.

        Args:
            now: the time.
            others: whether another model is there.
        """
        self.failures += 1
        if self.failures >= FAILURES and others:
            self.failures = 0
            self.times_out += 1
            self.out_until = now + LEFT_OUT * self.times_out


@dataclass(frozen=True)
class Fallback(Model):
    """Asks the first of several models that answers; ``Fallback.of`` makes one.

    Nothing is asked again once a chunk was handed on. What is wrong with a request itself counts
    against no model, but the next one may still be able to do it.

    Attributes:
        models: in the order in which they are asked.
        clock: tells the time in seconds.
    """

    models: tuple[Model, ...] = ()
    clock: Callable[[], float] = time.monotonic
    health: tuple[Health, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, models: Sequence[Model], *, clock: Callable[[], float] = time.monotonic) -> Self:
        """Make one of at least one model.

        Raises:
            UsageError: there is none.
        """
        if not models:
            raise UsageError("A fallback list needs at least one model.")
        return cls(
            provider=models[0].provider,
            name=models[0].name,
            models=tuple(models),
            clock=clock,
            health=tuple(Health() for _ in models),
        )

    async def stream(
        self, messages: Messages, *, media: MediaListType | None = None, **options: Any
    ) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the chunks of the first model that begins to answer.

        Args:
            messages: the chat, oldest turn first.
            media: pictures that belong to the last turn.
            **options: the providers' options for this ask.

        Raises:
            DynasparkError: what the last model raised, where none answered, or what the one that
                answers raises later.
        """
        failure: DynasparkError | None = None
        tell = options.get("losses")
        for model, health in self._left():
            losses: list[Loss] = []
            asked = options if tell is None else {**options, "losses": losses.extend}
            async with aclosing(model.stream(messages, media=media, **asked)) as chunks:
                try:
                    first = await anext(chunks, None)
                except DynasparkError as error:
                    failure = error
                    if _is_its_own(error):
                        health.failed(self.clock(), others=len(self._left()) > 1)
                    continue
                health.succeeded()
                if tell is not None and losses:
                    tell(losses)
                if first is not None:
                    yield first
                async for chunk in chunks:
                    yield chunk
                return
        if failure is not None:
            raise failure

    async def open(self, **options: Any) -> None:
        """Get all models ready; it is enough if one can be.

        Raises:
            DynasparkError: what the last model raised, where none could be.
        """
        failures: list[DynasparkError] = []
        for model in self.models:
            try:
                await model.open(**options)
            except DynasparkError as error:
                failures.append(error)
        if len(failures) == len(self.models):
            raise failures[-1]

    async def aclose(self) -> None:
        """Let go of what the providers hold."""
        for model in self.models:
            await model.aclose()

    def _left(self) -> list[tuple[Model, Health]]:
        """Those that are asked now; never none, since the last one is never left out."""
        now = self.clock()
        both = zip(self.models, self.health, strict=True)
        return [(model, health) for model, health in both if health.out_until <= now]


def _is_its_own(error: DynasparkError) -> bool:
    """Whether an error tells of a dead or overloaded model, not of a wrong request."""
    return error.http_status >= 500 or error.http_status == 429
