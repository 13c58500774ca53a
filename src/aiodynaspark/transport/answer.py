"""A response's body as it arrives: read, decompressed, counted, decoded."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

import aiohttp

from .._inflate import Inflater
from .._transcript import Transcript
from ..errors import BODY_EXCERPT, DynasparkError, StreamError, TransportError, TransportTimeout
from .border import translate_cut
from .request import MAX_ANSWER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .deadline import Deadline
    from .fast_lane import Response
    from .request import Request

PIECE = 64 * 1024
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


class Answer:
    """One response's body."""

    def __init__(
        self, response: Response, request: Request, deadline: Deadline, where: str
    ) -> None:
        self._response = response
        self._most = request.max_answer or MAX_ANSWER
        self._deadline = deadline
        self._where = where
        self._transcript = Transcript()

    async def batches(self, decoder: Decoder[T]) -> AsyncGenerator[list[T], None]:
        """Yield lists of what the decoder made of the body, never an empty one.

        Raises:
            StreamError: the body is malformed, too large or cut; it holds the text so far.
            TransportTimeout: a limit passed; it holds the text so far.
            TransportError: the connection broke.
        """
        received = 0
        encoding = self._response.headers.get("content-encoding")
        try:
            inflater = Inflater(encoding) if encoding else None
            while data := await self._read(self._response.content):
                for piece in inflater.feed(data) if inflater else (data,):
                    received += len(piece)
                    if received > self._most:
                        raise self._too_large()
                    if batch := decoder.feed(piece):
                        yield self._heard(batch)
                    if inflater:
                        await asyncio.sleep(0)  # others get their turn
            if inflater:
                inflater.finish()
            if batch := decoder.finish():
                yield self._heard(batch)
        except (StreamError, TransportTimeout) as error:
            error.partial = self._transcript.text()
            raise
        except TransportError as error:
            raise StreamError(
                str(error),
                partial=self._transcript.text(),
                retryable=error.retryable,
            ) from error
        finally:
            self._transcript.close()

    async def excerpt(self) -> bytes:
        """The body's beginning, as much as an error keeps of it; what is there, if it is cut."""
        body = b""
        with suppress(TransportError, StreamError, TimeoutError):
            async with (
                asyncio.timeout(EXCERPT_TIMEOUT),
                aclosing(self.batches(_Bytes())) as batches,
            ):
                async for (piece,) in batches:
                    body += piece
                    if len(body) >= BODY_EXCERPT:
                        break
        return body

    def _heard(self, batch: list[T]) -> list[T]:
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

    async def _read(self, content: aiohttp.StreamReader) -> bytes:
        try:
            if (data := content.read_nowait(PIECE)) or content.at_eof():
                return data
            return await self._deadline.bound(content.read(PIECE))
        except DynasparkError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            # What came before the fault is not lost by it; the next read raises again.
            if rest := content._read_nowait(-1):
                return rest
            raise translate_cut(error, self._where) from error


class _Bytes:
    """Decodes nothing."""

    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def finish(self) -> list[bytes]:
        return []
