"""A provider whose answers a test scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiodynaspark import AsyncGeneratorProvider, Chunk


class Scripted(AsyncGeneratorProvider):
    """Yields what the test puts into it; an exception is raised, an event is waited for."""

    supports_media = True
    chunks: list[Any] = []
    asked: list[dict[str, Any]] = []
    closed = asyncio.Event()

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Any, proxy: Any = None, media: Any = None, **kwargs: Any
    ) -> AsyncIterator[Chunk]:
        cls.asked.append({"model": model, "messages": messages, "media": media, **kwargs})
        try:
            for chunk in cls.chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                if isinstance(chunk, asyncio.Event):
                    await chunk.wait()
                else:
                    yield chunk
        finally:
            cls.closed.set()
