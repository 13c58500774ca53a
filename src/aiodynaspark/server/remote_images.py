"""Fetches a picture that a request names by URL, from the open internet and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ..errors import UsageError
from ..media import MAX_SIZE, inspect
from .public_address import Reach, parse_public_url

log = logging.getLogger("aiodynaspark.server")

SECONDS = 10.0
"""For one picture, redirects included."""

MAX_REDIRECTS = 3

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "accept": "image/png, image/jpeg, image/webp, image/gif",
    "accept-encoding": "identity",
    "user-agent": "aiodynaspark",
}


async def fetch_image(url: str, *, reach: Reach | None = None, seconds: float = SECONDS) -> bytes:
    """Fetch a picture; its bytes have passed the strict gate.

    Args:
        url: http or https, on port 80 or 443.
        reach: what may be fetched; the open internet where it is not given.
        seconds: for everything.

    Raises:
        UsageError: it could not be fetched. The sentence is always the same, so that nobody can
            explore a network by asking for its addresses.
    """
    try:
        async with asyncio.timeout(seconds), _session(reach or Reach()) as session:
            data = await _follow(session, url, reach or Reach())
        inspect(data)
    except (aiohttp.ClientError, OSError, UsageError, ValueError) as error:
        log.info("a remote picture was not fetched (%s)", type(error).__name__)
        raise UsageError(
            "The remote picture cannot be fetched; send it as a data: URI instead."
        ) from None
    return data


def _session(reach: Reach) -> aiohttp.ClientSession:
    """A session of its own: no cookies, no proxy, no connection or name kept."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_CheckedResolver(reach), use_dns_cache=False, force_close=True
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )


async def _follow(session: aiohttp.ClientSession, text: str, reach: Reach) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        url = parse_public_url(text, reach)
        if url is None:
            raise UsageError("This is no URL of the open internet.")
        answer = await _get(session, url)
        if isinstance(answer, bytes):
            return answer
        text = answer
    raise UsageError("These are too many redirects.")


async def _get(session: aiohttp.ClientSession, url: URL) -> bytes | str:
    """The body, or the URL that a redirect leads to."""
    async with session.get(url, allow_redirects=False) as response:
        if response.status in _REDIRECTS:
            return str(url.join(URL(response.headers.get("location", ""))))
        if response.status != 200 or (response.content_length or 0) > MAX_SIZE:
            raise UsageError("There is no picture of a size that is taken.")
        data = bytearray()
        async for piece in response.content.iter_any():
            data += piece
            if len(data) > MAX_SIZE:
                raise UsageError("The picture is too large.")
        return bytes(data)


class _CheckedResolver(AbstractResolver):
    """Resolves a name once; the addresses that it checked are the ones that are dialled."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name; OSError if any of them may not be dialled."""
        found = await self._resolver.resolve(host, port, family)
        if not found or not all(self._reach.allows(address["host"]) for address in found):
            raise OSError("The name stands for an address that is not on the open internet.")
        return found

    async def close(self) -> None:
        """Nothing is kept."""
