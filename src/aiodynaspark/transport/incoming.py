"""A body as it comes over one of our connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    import asyncio


class Incoming(aiohttp.StreamReader):
    """aiohttp's reader, but for noting where each HTTP chunk ends, which nobody asks for here.

    That takes as long as parsing the chunk. The parser makes aiohttp's own; ``take_over`` turns it
    into this one, which has the same slots and so can take its place.
    """

    __slots__ = ()

    @classmethod
    def take_over(cls, body: aiohttp.StreamReader) -> Incoming:
        """Make one of what the parser made, and go on in it.

        Raises:
            TypeError: the two are no longer alike.
        """
        body.__class__ = cls
        assert isinstance(body, cls)
        body._http_chunk_splits = None
        return body

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """Keep some more, and have the connection wait where it is too much, or too many pieces."""
        self._buffer.append(data)
        self._size += len(data)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if self._size > self._high_water or len(self._buffer) > self._high_water_chunks:
            self._protocol.pause_reading()
        return False

    def begin_http_chunk_receiving(self) -> None:
        """Take no note of it."""

    def end_http_chunk_receiving(self) -> None:
        """Take no note of it."""

    def read_nowait(self, n: int = -1) -> bytes:
        """What has come so far, at most n bytes of it."""
        if self._size > n or self._buffer_offset or self._exception is not None:
            return super().read_nowait(n)
        buffer = self._buffer
        if not buffer:
            return b""
        data = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        self._size = 0
        if self._protocol._reading_paused:
            self._protocol.resume_reading()
        return data

    def arrival(self) -> asyncio.Future[None]:
        """What is done once more has come, or the end, or a fault."""
        waiter = self._waiter = self._loop.create_future()
        return waiter
