"""Request bodies for aiohttp, read and sent in pieces."""

from __future__ import annotations

import asyncio
import io
import os
from typing import TYPE_CHECKING

import aiohttp

from ..errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO, TypeAlias

    from aiohttp.abc import AbstractStreamWriter

    from .._body import Body
    from ..media import Attachment

    Buffer: TypeAlias = bytes | bytearray

PIECE = 96 * 1024
"""Bytes read from an attachment at a time, at most."""

_IF_CACHED: int | None = getattr(os, "RWF_NOWAIT", None)  # Linux


def payload(body: Body) -> bytes | aiohttp.Payload:
    """What aiohttp sends for a body: the bytes themselves, or an attachment in pieces."""
    return body.head if body.attachment is None else _Upload(body)


class _Upload(aiohttp.Payload):
    """The bytes before an attachment, the attachment, the bytes after it."""

    _autoclose = True

    def __init__(self, body: Body) -> None:
        super().__init__(body, content_type=body.content_type)
        assert body.attachment is not None
        self._size = len(body.head) + body.attachment.size + len(body.tail)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("An upload is sent in pieces and never decoded.")

    async def write(self, writer: AbstractStreamWriter) -> None:
        body: Body = self._value
        assert body.attachment is not None
        await writer.write(body.head)
        try:
            file = body.attachment.open()
        except OSError as error:
            raise _unreadable(body.attachment, error) from error
        left = body.attachment.size  # what the head of the request promised
        with file:
            while left and (piece := await _read(file, min(left, PIECE), body.attachment)):
                left -= len(piece)
                await writer.write(piece)
                await asyncio.sleep(0)  # others get their turn
        if left:
            raise UsageError(f"{body.attachment.name} shrank while it was sent; try again.")
        await writer.write(body.tail)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await self.write(writer)


async def _read(file: BinaryIO, size: int, attachment: Attachment) -> Buffer:
    """The next piece, empty at the end; a thread reads what may have to come from a disk."""
    if isinstance(file, io.BytesIO):
        return file.read(size)
    try:
        return _cached(file, size) or await asyncio.to_thread(file.read, size)
    except OSError as error:
        raise _unreadable(attachment, error) from error


def _cached(file: BinaryIO, size: int) -> Buffer:
    """The next piece if it is a file's and the system holds it in memory, else nothing."""
    if _IF_CACHED is None or not isinstance(getattr(file, "raw", None), io.FileIO):
        return b""
    piece = bytearray(size)
    try:
        read = os.preadv(file.fileno(), [piece], file.tell(), _IF_CACHED)
    except OSError:  # it would have to wait, or this file system cannot tell
        return b""
    file.seek(read, io.SEEK_CUR)
    del piece[read:]
    return piece


def _unreadable(attachment: Attachment, error: OSError) -> UsageError:
    return UsageError(
        f"{attachment.name} cannot be read any more: {error.strerror or 'it is gone'}; try again."
    )
