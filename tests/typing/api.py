"""What a type checker has to accept and infer; checked, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

from aiodynaspark import (
    AsyncGeneratorProvider,
    AsyncResult,
    Chunk,
    Dynaspark,
    Facts,
    MediaInfo,
    MediaListType,
    Messages,
    Model,
    RateLimitError,
    StreamError,
    format_prompt,
    inspect,
    is_accepted_format,
    registry,
    to_bytes,
)

messages: Messages = [{"role": "user", "content": "hello"}]
media: MediaListType = [(b"png", "image.png"), (Path("a.png"), None), "b.png"]


async def streaming() -> None:
    answer: AsyncResult = Dynaspark.create_async_generator("", messages, media=media)
    async for chunk in answer:
        assert_type(chunk, Chunk)
        if isinstance(chunk, str):
            print(chunk.upper())
        elif isinstance(chunk, Facts):
            assert_type(chunk.text, tuple[str, ...])


async def whole() -> None:
    assert_type(await Dynaspark.create_async("", messages, timeout=5.0), str)


def synchronous() -> None:
    assert_type(Dynaspark.create_completion("", messages), Iterator[Chunk])


async def models() -> None:
    model = registry.find("dynaspark:gemini-2.0-flash", timeout=5.0)
    assert_type(model, Model)
    assert_type(model.provider, type[AsyncGeneratorProvider])
    assert_type(await model.complete(messages), str)
    stream: AsyncIterator[Chunk] = model.stream(messages, media=media)
    async for _ in stream:
        pass


def attributes() -> None:
    assert_type(Dynaspark.url, str)
    assert_type(Dynaspark.api_endpoint, str)
    assert_type(Dynaspark.models, list[str])
    assert_type(Dynaspark.default_model, str)


def pure() -> None:
    assert_type(format_prompt(messages), str)
    assert_type(to_bytes("a.png"), bytes)
    assert_type(is_accepted_format(b""), str)
    assert_type(inspect(b""), MediaInfo)


def errors(limited: RateLimitError, cut: StreamError) -> None:
    assert_type(limited.retry_after, float | None)
    assert_type(limited.status, int)
    assert_type(cut.partial, str)


class Mine(AsyncGeneratorProvider):
    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: object,
    ) -> AsyncGenerator[Chunk, None]:
        yield "mine"
