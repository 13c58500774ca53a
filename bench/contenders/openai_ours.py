"""Our provider for OpenAI's wire."""

from __future__ import annotations

from typing import Any

from aiodynaspark.providers.openai import OpenAI

from .ours import HELLO


async def call(job: dict[str, Any]) -> int:
    return len(await OpenAI.create_async("bench", HELLO, base_url=job["url"], api_key="none"))
