"""What the class that people use today does: a session for each call, a FormData, one JSON."""

from __future__ import annotations

from typing import Any

import aiohttp

from .by_hand import form, headers


async def call(job: dict[str, Any]) -> int:
    async with aiohttp.ClientSession(headers=headers(job)) as session:
        url = job["url"] + "/generate_response"
        async with session.post(url, data=form(job)) as response:
            response.raise_for_status()
            answer = await response.json()
    return len(answer["response"])
