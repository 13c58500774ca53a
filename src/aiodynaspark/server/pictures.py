"""The gate for pictures in requests: what they may be, and where they may come from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from ..errors import UsageError
from ..media import inspect, to_data_uri

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gets the bytes of the picture at a URL, or raises UsageError."""


async def admit_pictures(messages: list[dict[str, Any]], fetch: Fetch | None = None) -> None:
    """Check every picture in messages; one that was fetched takes the place of its address.

    Args:
        messages: a chat whose types were checked.
        fetch: gets what is at an http or https URL, checked; without it none are taken.

    Raises:
        UsageError: a picture is none, too large, or elsewhere; ``param`` names it.
    """
    for at, message in enumerate(messages):
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "image_url":
                address = part["image_url"]
                where = f"messages[{at}].content[{index}].image_url.url"
                address["url"] = await _admitted(address["url"], fetch, where)


async def _admitted(url: str, fetch: Fetch | None, where: str) -> str:
    """The picture as a data URI, which is what it has to be or to become."""
    try:
        if url.startswith("data:"):
            await asyncio.to_thread(inspect, url)
            return url
        if fetch is not None and url.lower().startswith(("http://", "https://")):
            return to_data_uri(await fetch(url))
    except UsageError as error:
        error.param = where
        raise
    raise UsageError(
        "Pictures are not fetched from elsewhere; send the picture itself as a data: URI.",
        param=where,
    )
