"""The call that a careful user writes by hand: aiohttp, one session, a FormData."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROMPT = "What would you say to a friend who asks for the way?"
HEADERS = {
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.9",
    "user-agent": "Mozilla/5.0 (compatible)",
    "x-requested-with": "XMLHttpRequest",
}
_session: aiohttp.ClientSession | None = None


def session() -> aiohttp.ClientSession:
    global _session
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256))
    return _session


async def close() -> None:
    if _session is not None:
        await _session.close()


def form(job: dict[str, Any]) -> aiohttp.FormData:
    fields = aiohttp.FormData()
    fields.add_field("user_input", PROMPT)
    fields.add_field("ai_model", "gemini-1.5-flash")
    if "picture" in job:
        file = Path(job["picture"]).open("rb")  # noqa: SIM115 - aiohttp closes it
        fields.add_field("file", file, filename="picture.png", content_type="image/png")
    return fields


def headers(job: dict[str, Any]) -> dict[str, str]:
    origin = "/".join(job["url"].split("/", 3)[:3])
    return {**HEADERS, "origin": origin, "referer": f"{origin}/"}


async def call(job: dict[str, Any]) -> int:
    url = job["url"] + "/generate_response"
    async with session().post(url, data=form(job), headers=headers(job)) as response:
        response.raise_for_status()
        answer = await response.json()
    return len(answer["response"])


async def pieces(job: dict[str, Any]) -> AsyncIterator[str]:
    """The raw text as it arrives: no decoding of the JSON around it."""
    url = job["url"] + "/generate_response"
    async with session().post(url, data=form(job), headers=headers(job)) as response:
        async for data in response.content.iter_any():
            yield data.decode().removeprefix('{"response":"')
