"""A model: what one configures once and asks many times."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._capabilities import check
from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import TracebackType
    from typing import Self

    from .provider import AsyncGeneratorProvider
    from .types import Chunk, MediaListType, Messages

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """A provider, a model's name and options; ``async with`` opens and closes what has a life.

    Attributes:
        provider: the provider's class.
        name: the model's name as the provider knows it; empty for its default.
        options: passed with every ask; those of an ask itself win.
    """

    provider: type[AsyncGeneratorProvider]
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # may hold a key

    @property
    def label(self) -> str:
        """The model's name, the provider's default one, or the provider's own name."""
        default: str = getattr(self.provider, "default_model", "")
        return self.name or default or self.provider.__name__.lower()

    def stream(
        self, messages: Messages, *, media: MediaListType | None = None, **options: Any
    ) -> AsyncGenerator[Chunk, None]:
        """Ask, and yield the answer's chunks as they come; nothing happens before the first is due.

        Args:
            messages: the chat, oldest turn first.
            media: pictures that belong to the last turn.
            **options: the provider's options for this ask.

        Raises:
            UsageError: the provider cannot do what was asked for.
            DynasparkError: whatever the provider raises.
        """
        merged = {**self.options, **options}
        try:
            check(self.provider, messages, media, merged)
        except UsageError as error:
            return _refused(error)
        return self.provider.create_async_generator(self.name, messages, media=media, **merged)

    async def complete(
        self, messages: Messages, *, media: MediaListType | None = None, **options: Any
    ) -> str:
        """Ask, and return the answer's whole text; see ``stream``."""
        options.setdefault("stream", False)
        async with aclosing(self.stream(messages, media=media, **options)) as chunks:
            return "".join([chunk async for chunk in chunks if isinstance(chunk, str)])

    async def open(self, **options: Any) -> None:
        """Get ready what the provider needs, so that the first ask need not wait."""
        await self.provider.open(**{**self.options, **options})

    async def aclose(self) -> None:
        """Let go of what the provider holds."""
        await self.provider.aclose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


async def _refused(error: UsageError) -> AsyncGenerator[Chunk, None]:
    nothing: tuple[Chunk, ...] = ()
    for chunk in nothing:
        yield chunk
    raise error
