"""openai-python's own client, one for all calls."""

from __future__ import annotations

from functools import cache
from typing import Any

from openai import AsyncOpenAI

HELLO = [{"role": "user", "content": "What would you say to a friend who asks for the way?"}]


@cache
def client(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key="none")


async def call(job: dict[str, Any]) -> int:
    answer = await client(job["url"]).chat.completions.create(model="bench", messages=HELLO)
    return len(answer.choices[0].message.content or "")
