"""LiteLLM as a library."""

from __future__ import annotations

from typing import Any

import litellm

HELLO = [{"role": "user", "content": "What would you say to a friend who asks for the way?"}]
litellm.telemetry = False


async def call(job: dict[str, Any]) -> int:
    answer = await litellm.acompletion(
        model="openai/bench", messages=HELLO, api_base=job["url"], api_key="none"
    )
    return len(answer.choices[0].message.content or "")
