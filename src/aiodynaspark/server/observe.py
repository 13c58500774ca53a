"""Watches each request from the outside: the log's line and the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .access_log import CLIENT_LEFT, Entry, is_kept, write
from .span import span_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .figures import Figures


async def observe(
    request: web.Request, answering: Awaitable[web.StreamResponse], figures: Figures
) -> web.StreamResponse:
    """Log a request and count it once it is answered, or its client has left."""
    span = span_of(request)
    response: web.StreamResponse | None = None
    try:
        response = await answering
        return response
    finally:
        status = CLIENT_LEFT if response is None else response.status
        seconds = span.seconds()
        if is_kept():
            write(_entry(request, response, status, seconds))
        if span.model:
            figures.answered(span.model, status=status, seconds=seconds)


def _entry(
    request: web.Request, response: web.StreamResponse | None, status: int, seconds: float
) -> Entry:
    resource = request.match_info.route.resource
    span = span_of(request)
    return Entry(
        method=request.method,
        route=resource.canonical if resource else "",
        status=status,
        model=span.model,
        seconds=seconds,
        sent=_sent(request, response),
        request_id=span.request_id,
    )


def _sent(request: web.Request, response: web.StreamResponse | None) -> int:
    """What a stream has written; of a whole answer what it is about to."""
    if isinstance(response, web.Response):
        return len(response.body) if isinstance(response.body, bytes) else 0
    return request.writer.output_size
