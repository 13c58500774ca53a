"""A bare loop with aiohttp: so many requests under way, a line for each answer, no more care."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp


async def measure(job: dict[str, Any]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        start, cpu = time.perf_counter(), time.process_time()
        await ask(job, Path(place, "out.jsonl"))
        seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    return {"rate": job["rows"] / seconds, "cpu": spent / job["rows"] * 1e6}


async def ask(job: dict[str, Any], out: Path) -> None:
    prompts = (f"question {number}" for number in range(job["rows"]))
    url = f"{job['url']}/generate_response"
    connector = aiohttp.TCPConnector(limit=job["at_once"])
    with out.open("w") as file:
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for prompt in prompts:
                    form = {"user_input": prompt, "ai_model": "m"}
                    async with session.post(url, data=form) as response:
                        text = (await response.json(content_type=None))["response"]
                    file.write(json.dumps({"response": text}) + "\n")

            await asyncio.gather(*(work() for _ in range(job["at_once"])))
