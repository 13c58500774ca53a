"""Reads a request's body whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .refusals import too_large

if TYPE_CHECKING:
    from aiohttp import web


async def read_body(request: web.Request) -> bytes:
    """Return a body, at once where it came with its head, as most do.

    Raises:
        TooLarge: it is larger than the application takes, decompressed.
    """
    if not request.content.is_eof():
        return await request.read()
    body = request.content.read_nowait()
    if len(body) > request.client_max_size:
        raise too_large(request.client_max_size)
    return body
