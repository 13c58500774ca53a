"""The contract of a provider: class methods over one async generator, and a list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from .types import Chunk, MediaListType, Messages

__all__ = ["AsyncGeneratorProvider", "ProviderModelMixin"]


class AsyncGeneratorProvider:
    """A provider: what it can do as class attributes, and one async generator.

    A provider holds no state but defaults; capabilities are off unless it says otherwise.
    """

    url: ClassVar[str | None] = None
    working: ClassVar[bool] = True
    needs_auth: ClassVar[bool] = False
    supports_stream: ClassVar[bool] = False
    supports_system_message: ClassVar[bool] = False
    supports_message_history: ClassVar[bool] = False
    supports_media: ClassVar[bool] = False
    supports_tools: ClassVar[bool] = False
    supported_fields: ClassVar[tuple[str, ...]] = ()
    """What it can do of ``response_format``, ``n``, ``logprobs`` and ``stop``."""

    @classmethod
    def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Send the chat and yield the answer as it comes; a subclass writes this one.

        Args:
            model: the model's name; an empty one is the provider's default.
            messages: the chat, oldest turn first.
            proxy: URL of a proxy for this call.
            media: pictures that belong to the last turn.
            **kwargs: the provider's own options; unknown ones are ignored.
        """
        raise NotImplementedError(f"{cls.__name__} has to define create_async_generator.")

    @classmethod
    async def create_async(cls, model: str, messages: Messages, **kwargs: Any) -> str:
        """Return the whole answer as one text; a failure raises whatever the generator raises."""
        kwargs.setdefault("stream", False)
        chunks = cls.create_async_generator(model, messages, **kwargs)
        text = ""
        try:
            async for chunk in chunks:
                if isinstance(chunk, str):
                    text += chunk
        finally:
            await chunks.aclose()
        return text

    @classmethod
    def create_completion(cls, model: str, messages: Messages, **kwargs: Any) -> Iterator[Chunk]:
        """Iterate the same chunks without ``await``, from any thread, inside or outside a loop.

        The work runs on one background event loop that the whole process shares, so connections
        are pooled here too. Called inside a running loop it blocks that loop while it waits.
        """
        from ._portal import iterate

        return iterate(lambda: cls.create_async_generator(model, messages, **kwargs))

    @classmethod
    async def open(cls, **options: Any) -> None:
        """Get ready what has a life (an engine, say), so that the first ask need not wait."""

    @classmethod
    async def aclose(cls) -> None:
        """Let go of what ``open`` or an ask got ready."""


class ProviderModelMixin:
    """A provider's models: a list, a default and aliases."""

    default_model: ClassVar[str] = ""
    models: ClassVar[list[str]] = []
    model_aliases: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def get_models(cls, **kwargs: Any) -> list[str]:
        """List the models' names, the default alone where the provider lists none."""
        return list(cls.models) or ([cls.default_model] if cls.default_model else [])

    @classmethod
    def get_model(cls, model: str, **kwargs: Any) -> str:
        """Resolve a name: ``""`` or ``"auto"`` is the default, an alias its target, others stay."""
        if not model or model == "auto":
            return cls.default_model
        return cls.model_aliases.get(model, model)
