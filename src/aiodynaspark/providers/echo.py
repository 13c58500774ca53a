"""A provider that answers with the question: deterministic, for docs, tests and examples."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ..prompt import last_text
from ..provider import AsyncGeneratorProvider, ProviderModelMixin
from ..types import FinishReason, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..types import Chunk, MediaListType, Messages

__all__ = ["Echo"]


class Echo(AsyncGeneratorProvider, ProviderModelMixin):
    """Answers with the text of the last turn, word by word."""

    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = True
    supports_media: ClassVar[bool] = True
    default_model: ClassVar[str] = "echo"
    models: ClassVar[list[str]] = [default_model]

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the last turn's words with the spaces that follow them.

        Raises:
            UsageError: the messages are empty or malformed.
        """
        words = re.findall(r"\S+\s*|^\s+", last_text(messages))
        for word in words:
            yield word
        yield Usage(prompt_tokens=len(words), completion_tokens=len(words))
        yield FinishReason("stop")
