"""A response's body as it arrives: read, decompressed, counted, decoded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import aiohttp

from .._inflate import Inflater
from .._transcript import Transcript
from ..errors import BODY_EXCERPT, DynasparkError, StreamError, TransportError, TransportTimeout
from .border import translate_cut
from .incoming import Incoming

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from .deadline import Deadline
    from .line import Response

PIECE = 128 * 1024
"""Bytes of a body that are decoded at a time."""

EXCERPT_TIMEOUT = 5.0
"""Seconds that an error's body may take to arrive: its status has told the most part."""

T = TypeVar("T")


class Decoder(Protocol[T]):
    """Makes things of the bytes of one answer; pure."""

    def feed(self, data: bytes) -> list[T]:
        """Take in bytes and return what they complete; a fault is raised by the next call."""

    def finish(self) -> list[T]:
        """Return what is left at the end of the body, or raise StreamError if it is not whole."""


class Answer(Generic[T]):
    """One response's body.

    Args:
        response: the response, of which the head has arrived.
        decoder: a fresh one.
        most: bytes that the body may have, after decompression.
        deadline: the request's own.
        where: the origin that was asked, for errors.
    """

    _received = 0
    _inflater: Inflater | None = None
    _inflated: Iterator[bytes] = iter(())
    _ended = False

    def __init__(
        self, response: Response, decoder: Decoder[T], most: float, deadline: Deadline, where: str
    ) -> None:
        self._response = response
        self._content = response.content
        self._encoding = response.headers.get("content-encoding")
        self._decoder = decoder
        self._most = most
        self._deadline = deadline
        self._where = where
        self._transcript = Transcript()

    async def more(self) -> list[T]:
        """Wait for the next things that the decoder makes of the body; none at its end.

        Raises:
            StreamError: the body is malformed, too large or cut; it holds the text so far.
            TransportTimeout: a limit passed; it holds the text so far.
        """
        try:
            while not self._ended:
                if batch := self._decoded(await self._piece()):
                    return batch
        except (StreamError, TransportTimeout) as error:
            error.partial = self._transcript.text()
            raise
        except TransportError as error:
            raise StreamError(
                str(error),
                partial=self._transcript.text(),
                retryable=error.retryable,
            ) from error
        return []

    async def excerpt(self) -> bytes:
        """The body's beginning, as much as an error keeps of it; what is there, if it is cut."""
        body = b""
        with suppress(TransportError, StreamError, TimeoutError):
            async with asyncio.timeout(EXCERPT_TIMEOUT):
                while len(body) < BODY_EXCERPT and (piece := await self._piece()):
                    body += piece
        return body

    def close(self) -> None:
        """Forget the text so far."""
        self._transcript.close()

    def _decoded(self, piece: bytes) -> list[T]:
        if piece:
            self._received += len(piece)
            if self._received > self._most:
                raise self._too_large()
            batch = self._decoder.feed(piece)
        else:
            self._ended = True
            batch = self._decoder.finish()
        if batch:
            self._deadline.heard()
            for item in batch:
                if isinstance(item, str):
                    self._transcript.add(item)
        return batch

    def _too_large(self) -> StreamError:
        return StreamError(
            f"{self._where} sent more than max_answer ({self._most:,.0f} bytes); "
            "raise it if you expect answers of that size."
        )

    def _piece(self) -> Awaitable[bytes]:
        return self._inflated_piece() if self._encoding else self._read()

    async def _inflated_piece(self) -> bytes:
        """The next piece of a compressed body; an empty one is its end."""
        if self._inflater is None:
            self._inflater = Inflater(self._encoding)
        while not (piece := next(self._inflated, b"")):
            if not (data := await self._read()):
                self._inflater.finish()
                return b""
            self._inflated = self._inflater.feed(data)
        await asyncio.sleep(0)  # however much one read swells to, others get their turn
        return piece

    async def _read(self) -> bytes:
        """The next piece of the body as it comes; an empty one is its end."""
        content = self._content
        try:
            while not (data := content.read_nowait(PIECE)) and not content.at_eof():
                if not isinstance(content, Incoming):
                    return await self._deadline.bound(content.read(PIECE))
                await self._deadline.until(content.arrival())
            return data
        except DynasparkError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            # What came before the fault is not lost by it; the next read raises again.
            if rest := content._read_nowait(-1):
                return rest
            raise translate_cut(error, self._where) from error
