"""pydantic-ai asks a Dynaspark server over OpenAI's wire; start one with ``dynaspark serve``."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from openai import AsyncOpenAI
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

URL = os.environ.get("DYNASPARK_URL", "http://127.0.0.1:8317") + "/v1"
KEY = os.environ.get("DYNASPARK_API_KEY", "unused")
INVOICE = Path(__file__).parents[1] / "invoice.png"


async def main() -> None:
    """Ask in a stream, then about a picture."""
    async with AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0) as server:
        first = (await server.models.list()).data[0].id
        model = OpenAIChatModel(first, provider=OpenAIProvider(openai_client=server))
        agent = Agent(model, instructions="Be brief.")

        async with agent.run_stream("What is HTTP?") as answer:
            async for piece in answer.stream_text(delta=True):
                print(piece, end="", flush=True)
        print()

        picture = BinaryContent(INVOICE.read_bytes(), media_type="image/png")
        print((await agent.run(["What is the total?", picture])).output)


asyncio.run(main())
