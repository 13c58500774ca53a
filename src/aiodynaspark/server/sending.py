"""Sends an answer while its model speaks, whatever wire it is for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from aiohttp import ClientConnectionResetError, web

from .failures import known
from .keys import TRAFFIC

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ..errors import DynasparkError
    from ..types import Chunk, Loss

JSON = "application/json"
EVENTS = "text/event-stream"
MAX_LOSSES = 20


class Rendering(Protocol):
    """An answer in the shape of one wire; pure."""

    def render(self, chunk: Chunk) -> bytes:
        """Return the bytes that a chunk comes to, which may be none yet."""

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Return what is left, with the error that cut the answer short, if any."""


async def send(
    request: web.Request,
    chunks: AsyncGenerator[Chunk, None],
    answer: Rendering,
    *,
    content_type: str,
    losses: Sequence[Loss] = (),
) -> web.StreamResponse:
    """Write the chunks as they come; a slow reader slows them down.

    The status waits for the first byte: an error before it is raised, a later one is written.

    Args:
        request: what is answered.
        chunks: from the model; whoever made them closes them.
        answer: makes bytes of them.
        content_type: of the answer.
        losses: what could not be carried, as known by the time of the first byte.
    """
    response = _Response(headers={"content-type": content_type, "cache-control": "no-store"})
    failure: DynasparkError | None = None
    try:
        async with request.app[TRAFFIC].answering():
            async for chunk in chunks:
                if data := answer.render(chunk):
                    if not response.prepared:
                        response.headers.update(losses_header(losses))
                        await response.prepare(request)
                    await response.write(data)
    except ClientConnectionResetError:
        return response  # the client left; nobody is there to be told
    except Exception as error:
        if not response.prepared:
            raise
        failure = known(error)
    if not response.prepared:
        response.headers.update(losses_header(losses))
        await response.prepare(request)
    with suppress(ClientConnectionResetError):
        await response.write_eof(answer.end(failure))
    return response


class _Response(web.StreamResponse):
    """Sends its head with its first bytes, which are there when it is prepared."""

    _send_headers_immediately = False


def losses_header(losses: Sequence[Loss]) -> dict[str, str]:
    """``x-dynaspark-losses: kind:name, ...`` where anything was lost; names percent-encoded."""
    if not losses:
        return {}
    shown = [f"{loss.kind}:{quote(loss.name[:100], safe='')}" for loss in losses[:MAX_LOSSES]]
    return {"x-dynaspark-losses": ", ".join(shown)}
