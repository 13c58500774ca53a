"""A model's answer on its connection: its head, its body as it gathers, and the framing.

aiohttp's own response may have cookies, compression, any status and any body, and takes twice as
long for an answer that has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import ClientConnectionResetError, HttpVersion11, web

from .corked import WRITE_BUFFER, CorkedTransport
from .heads import losses_header, own_headers, render_head
from .keys import FIGURES, POLICY
from .span import span_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Loss


class Answer(web.StreamResponse):
    """An answer of status 200 that is written before its handler returns it.

    It has its length where it is written whole, else it is chunked; a client of HTTP/1.0, which
    knows no chunks, sees its end in the connection's. What is added before its task waits leaves in
    one piece: a step of the model costs one write, and an answer that never waited goes out whole.

    Attributes:
        begun: whether there is any of it.

    Args:
        request: what is answered; not HEAD.
        content_type: of the body.
        losses: what could not be carried, as known by the time of the first byte.
    """

    begun = False
    _has_head = _whole = False

    def __init__(self, request: web.Request, content_type: str, losses: Sequence[Loss]) -> None:
        super().__init__()
        self._request = request
        self._writer = request.writer
        self._connection = request.transport
        self._kind = content_type
        self._losses = losses
        self._in_chunks = request.version >= HttpVersion11
        self._lasting = request.keep_alive
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def keep_alive(self) -> bool:
        """Whether the connection can take another request once its handler returned."""
        return self._whole and self._lasting

    def add(self, data: bytes) -> None:
        """Take some of the body, to be sent by the next flush; much of it is sent at once."""
        self.begun = True
        self._pieces.append(data)
        self._size += len(data)
        if self._size > WRITE_BUFFER:
            self.flush()

    def flush(self) -> None:
        """Send what was added, now; where the client left, to nobody: its end stops the task."""
        if not self._pieces:
            return
        data = self._gathered()
        framed = _chunk(data) if self._in_chunks else data
        if not self._has_head:
            framed = self._head() + framed
        connection = self._connection
        if connection is None or connection.is_closing():
            return
        self._writer.output_size += len(framed)
        if isinstance(connection, CorkedTransport):
            connection.write_now(framed)
        else:  # the application runs under another server than ours
            connection.write(framed)

    async def end(self, rest: bytes) -> None:
        """Send what is left and the rest of the body, and wait while the client is behind.

        Raises:
            ClientConnectionResetError: the client left.
        """
        self._pieces.append(rest)
        data = self._gathered()
        if self._has_head:
            framed = _chunk(data) + b"0\r\n\r\n" if self._in_chunks else data
        else:
            framed = self._head(len(data)) + data
        connection = self._connection
        if connection is None or connection.is_closing():
            raise ClientConnectionResetError("The client left.")
        self._writer.output_size += len(framed)
        connection.write(framed)
        self._whole = True
        await self._writer.drain()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: it is written already."""

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        """Do nothing: it is written already."""

    def _gathered(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return data

    def _head(self, length: int | None = None) -> bytes:
        app, span = self._request.app, span_of(self._request)
        app[FIGURES].began(span.model, seconds=span.seconds())
        headers = own_headers(self._request, span, app[POLICY])
        if self._losses:
            headers |= losses_header(self._losses)
        if length is not None:
            headers["content-length"] = str(length)
        elif self._in_chunks:
            headers["transfer-encoding"] = "chunked"
        else:
            self._lasting = False
        if not self._lasting:
            headers["connection"] = "close"
        elif not self._in_chunks:
            headers["connection"] = "keep-alive"
        head = render_head(self._request.version, self._kind, headers)
        self._has_head = True
        return head


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
