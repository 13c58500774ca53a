"""Our form-wire provider."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from aiodynaspark import Dynaspark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO = [{"role": "user", "content": "What would you say to a friend who asks for the way?"}]


def _options(job: dict[str, Any]) -> dict[str, Any]:
    media = [(job["picture"], "picture.png")] if "picture" in job else None
    return {"api_endpoint": job["url"] + "/generate_response", "media": media, "max_answer": 1e9}


async def call(job: dict[str, Any]) -> int:
    if job.get("streamed"):
        length = 0
        async for text in pieces(job):
            length += len(text)
        return length
    return len(await Dynaspark.create_async("gemini-1.5-flash", HELLO, **_options(job)))


async def pieces(job: dict[str, Any]) -> AsyncIterator[str]:
    answer = Dynaspark.create_async_generator("gemini-1.5-flash", HELLO, **_options(job))
    async with aclosing(answer) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, str):
                yield chunk
