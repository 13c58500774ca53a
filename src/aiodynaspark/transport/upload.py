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
"""Bytes read from an attachment at a time."""

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
        with file:
            while piece := await _read(file, body.attachment):
                await writer.write(piece)
                await asyncio.sleep(0)  # others get their turn
        await writer.write(body.tail)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await self.write(writer)


async def _read(file: BinaryIO, attachment: Attachment) -> Buffer:
    """The next piece, empty at the end; a thread reads what may have to come from a disk."""
    if isinstance(file, io.BytesIO):
        return file.read(PIECE)
    try:
        return _cached(file) or await asyncio.to_thread(file.read, PIECE)
    except OSError as error:
        raise _unreadable(attachment, error) from error


def _cached(file: BinaryIO) -> Buffer:
    """The next piece if it is a file's and the system holds it in memory, else nothing."""
    if _IF_CACHED is None or not isinstance(getattr(file, "raw", None), io.FileIO):
        return b""
    piece = bytearray(PIECE)
    try:
        size = os.preadv(file.fileno(), [piece], file.tell(), _IF_CACHED)
    except OSError:  # it would have to wait, or this file system cannot tell
        return b""
    file.seek(size, io.SEEK_CUR)
    del piece[size:]
    return piece


def _unreadable(attachment: Attachment, error: OSError) -> UsageError:
    return UsageError(
        f"{attachment.name} cannot be read any more: {error.strerror or 'it is gone'}; try again."
    )
