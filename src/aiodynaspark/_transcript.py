"""What was handed on so far, kept for the error that may come; long ones leave the memory."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import IO

IN_MEMORY = 64 * 1024
"""Characters that gather in memory before they go to an unnamed temporary file."""

ROOM = 1024 * 1024
"""Bytes by which the file grows: writing where room was made before takes half the time."""


class Transcript:
    """Text that grows at the end and is read at most once."""

    _length = 0
    _file: IO[bytes] | None = None
    _written = 0
    _room = 0
    _is_full = False

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        """Append a piece."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > IN_MEMORY and not self._is_full:
            self._spill()

    def text(self) -> str:
        """Everything so far as one text."""
        written = b""
        if self._file is not None:
            self._file.seek(0)
            written = self._file.read(self._written)
        return written.decode("utf-8", "surrogatepass") + "".join(self._pieces)

    def close(self) -> None:
        """Forget it all."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        data = "".join(self._pieces).encode("utf-8", "surrogatepass")
        try:
            self._write(data)
        except OSError:  # the disk is full, say: then memory has to do
            self._is_full = True
            return
        self._written += len(data)
        self._pieces.clear()
        self._length = 0

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        end = self._written + len(data)
        if end > self._room and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file.fileno(), self._room, end + ROOM - self._room)
            self._room = end + ROOM
        if self._file.write(data) < len(data):
            raise OSError(errno.ENOSPC, "The file took a part alone")
