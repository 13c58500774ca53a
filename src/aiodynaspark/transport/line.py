"""One kept connection: requests go over it one after the other, answers come parsed by aiohttp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser
from aiohttp.streams import EMPTY_PAYLOAD

from .connections import MAX_HEADER, READ_BUFFER, SOCKET_READ, NotHttp, watch
from .incoming import Incoming

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from multidict import CIMultiDictProxy

    from .corked import Cork
    from .deadline import Deadline

WITHOUT_BODY = frozenset({204, 304})


class Line(BaseProtocol):
    """A connection, and the request that is under way over it, if any.

    Attributes:
        closed: done once the connection is gone.
        idle: where it stands while it is free; set by whoever opened it.
        idle_since: seconds on the loop's clock; None while it is in use.

    Args:
        loop: the running one.
        cork: sends the requests.
        lines: those that are open, which it leaves at its end.
    """

    __slots__ = (
        "_closes",
        "_cork",
        "_head",
        "_is_readable",
        "_lines",
        "_reply",
        "closed",
        "idle",
        "idle_since",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, cork: Cork, lines: set[Line]) -> None:
        super().__init__(loop)
        self.closed = loop.create_future()
        self.idle: list[Line] = []
        self.idle_since: float | None = None
        self._cork = cork
        self._lines = lines
        self._head: asyncio.Future[Reply] | None = None
        self._reply: Reply | None = None
        self._closes = False
        self._is_readable: Callable[[], bool] | None = None

    async def ask(self, data: bytes, deadline: Deadline) -> Reply:
        """Send a request's bytes and wait for the answer's head; the line closes if that fails.

        Raises:
            TransportTimeout: a limit passed.
            aiohttp.ClientError: there will be no answer.
        """
        if self.transport is None or self.transport.is_closing():
            raise aiohttp.ClientConnectionResetError("The connection was closed in the meantime")
        self._parser = HttpResponseParser(
            self,
            self._loop,
            READ_BUFFER,
            payload_exception=aiohttp.ClientPayloadError,
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
        )
        head: asyncio.Future[Reply] = self._loop.create_future()
        self._head = head
        try:
            self._cork.write(self.transport, data)
            return await deadline.until(head)
        except BaseException:
            if head.done() and not head.cancelled() and head.exception() is None:
                head.result().close()  # not the line: it may be somebody else's by now
            else:
                self.close()
            raise
        finally:
            del head  # its error would lead back here

    def is_fresh(self) -> bool:
        """Whether the next request can go over it: nothing came unasked, its end neither."""
        if self.transport is None or self.transport.is_closing():
            return False
        if self._is_readable is None:
            self._is_readable = watch(self.transport.get_extra_info("socket").fileno())
        return not self._is_readable()

    def close(self) -> None:
        """Close it at once; an answer that is being read breaks off."""
        self._parser = None  # else this end would be that of an answer without a length
        if self.transport is not None:
            self.transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read little at a time (see ``connections``)."""
        if hasattr(transport, "max_size"):
            transport.max_size = SOCKET_READ
        super().connection_made(transport)

    def pause_reading(self) -> None:
        """Wait until the body was read, unless nothing can follow what has come.

        What comes with the head is taken in whole: one read at most. The parser would be stopped
        in it, and nobody be there yet to have it go on.
        """
        if self._parser is not None and self._head is None:
            super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on, where reading was paused; aiohttp's reader asks for it whether it was or not."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def data_received(self, data: bytes) -> None:
        """Parse what came; empty data goes on with what the parser was stopped in."""
        if self._parser is None:
            if data:
                self.close()
            return
        try:
            messages, self._upgraded, _ = self._parser.feed_data(data)
        except Exception as error:
            self._fail(NotHttp(), error)
            self.close()
            return
        for message, body in messages:
            self._take(message, body)

    def connection_lost(self, error: BaseException | None) -> None:
        """End what is under way; only an orderly end can be that of an answer without a length."""
        parser, self._parser = self._parser, None
        self._closes = True
        if error is not None:
            self._fail(aiohttp.ClientOSError(*error.args), error)
        elif parser is not None:
            try:
                parser.feed_data(b"")  # what it was stopped in
                parser.feed_eof()
            except Exception as cut:
                self._fail(aiohttp.ClientPayloadError(str(cut)), cut)
        self._fail(aiohttp.ServerDisconnectedError(), error)
        self._lines.discard(self)
        if self.idle_since is not None:
            self.idle.remove(self)
        super().connection_lost(error)
        self.closed.set_result(None)

    def _take(self, message: Any, body: aiohttp.StreamReader) -> None:
        """An answer's head is there."""
        head = self._head
        if message.code < 200 and message.code != 101:
            return
        if head is None or head.done():
            self.close()
            return
        if message.code in WITHOUT_BODY:
            body = EMPTY_PAYLOAD
        elif body is not EMPTY_PAYLOAD:
            body = Incoming.take_over(body)
        self._head = None
        self._closes = message.should_close or self._upgraded
        self._reply = Reply(self, message, body)
        head.set_result(self._reply)
        body.on_eof(self._end)

    def _end(self) -> None:
        """An answer is whole."""
        self._parser = None
        self._forget()
        if self._closes:
            self.close()
        else:
            self.idle_since = self._loop.time()
            self.idle.append(self)

    def _fail(self, error: aiohttp.ClientError, cause: BaseException | None) -> None:
        """There will be no more of an answer, if one is under way."""
        error.__cause__ = cause
        head, self._head = self._head, None
        if head is not None and not head.done():
            head.set_exception(error)
            head.exception()  # nobody may be left to hear it
        elif self._reply is not None:
            self._reply.content.set_exception(error)
            self._forget()

    def _forget(self) -> None:
        if self._reply is not None:
            self._reply.connection = None
            self._reply = None


class Reply:
    """An answer whose head has arrived: of aiohttp's response, what is used here.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
        raw_headers: as they came.
        content: the body as it arrives; at its end the connection is free for another request.
        connection: None once the body was read to its end, or the connection was closed.
    """

    __slots__ = ("connection", "content", "headers", "raw_headers", "status")

    def __init__(self, connection: Line, message: Any, content: aiohttp.StreamReader) -> None:
        self.status: int = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = message.raw_headers
        self.content = content
        self.connection: Line | None = connection

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


Response: TypeAlias = aiohttp.ClientResponse | Reply
