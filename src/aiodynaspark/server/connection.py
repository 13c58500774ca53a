"""One client's connection: what the parser refuses is answered without quoting it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from .corked import WRITE_BUFFER, CorkedTransport
from .heads import ALWAYS_SENT
from .span import span_of

if TYPE_CHECKING:
    import asyncio

    from ..transport.corked import Cork

log = logging.getLogger("aiodynaspark.server")


class Connection(web.RequestHandler):
    """aiohttp's connection, but for its error answers and its log, which may quote a key."""

    __slots__ = ("_cork",)

    def __init__(self, manager: web.Server, cork: Cork, **options: Any) -> None:
        super().__init__(manager, **options)
        self._cork = cork

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep little of an answer for a client that reads slowly."""
        corked = CorkedTransport(cast("asyncio.Transport", transport), self._cork)
        corked.set_write_buffer_limits(high=WRITE_BUFFER)
        super().connection_made(corked)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on, where reading was paused; aiohttp's reader asks for it whether it was or not."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed."""
        self.log_exception("A request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun; it can only be broken off.")
        text = "The request is not HTTP as it should be." if status == 400 else "The server failed."
        named = {**ALWAYS_SENT, "x-request-id": span_of(request).request_id}
        response = web.json_response({"error": text}, status=status, headers=named)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what kind of error it was, and none of its words."""
        log.warning("%s (%s).", args[0], type(kw.get("exc_info")).__name__)
