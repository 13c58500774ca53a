"""A model's answer on its connection: the head, rendered at once, and the framing of the body.

aiohttp's own response may have cookies, compression, any status and any body, and takes twice as
long for an answer that has none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import ClientConnectionResetError, HttpVersion11, web

from .corked import CorkedTransport
from .heads import losses_header, own_headers, render_head
from .observe import note_first_piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Loss


class Answer(web.StreamResponse):
    """An answer of status 200 that is written before its handler returns it.

    It has its length where it is written whole, else it is chunked; a client of HTTP/1.0, which
    knows no chunks, sees its end in the connection's.

    Args:
        request: what is answered; not HEAD.
        content_type: of the body.
        losses: what could not be carried, as known by the time of the first byte.
    """

    def __init__(self, request: web.Request, content_type: str, losses: Sequence[Loss]) -> None:
        super().__init__()
        self._request = request
        self._writer = request.writer
        self._connection = request.transport
        self._kind = content_type
        self._losses = losses
        self._begun = self._whole = False
        self._in_chunks = request.version >= HttpVersion11
        self._lasting = request.keep_alive

    @property
    def keep_alive(self) -> bool:
        """Whether the connection can take another request once its handler returned."""
        return self._whole and self._lasting

    def write_piece(self, data: bytes) -> None:
        """Send some of the body, now; where the client left, to nobody: its end stops the task."""
        framed = _chunk(data) if self._in_chunks else data
        if not self._begun:
            framed = self._head() + framed
        connection = self._connection
        if connection is None or connection.is_closing():
            return
        self._writer.output_size += len(framed)
        if isinstance(connection, CorkedTransport):
            connection.write_now(framed)
        else:  # the application runs under another server than ours
            connection.write(framed)

    async def write_last(self, data: bytes) -> None:
        """Send the rest of the body, and wait while the client is behind.

        Raises:
            ClientConnectionResetError: the client left.
        """
        if self._begun:
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

    def _head(self, length: int | None = None) -> bytes:
        self._begun = True
        note_first_piece(self._request)
        headers = own_headers(self._request)
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
        return render_head(self._request.version, self._kind, headers)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
