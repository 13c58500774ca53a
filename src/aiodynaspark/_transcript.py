"""What was handed on so far, kept for the error that may come; long ones leave the memory."""

from __future__ import annotations

import tempfile
from typing import IO

IN_MEMORY = 128 * 1024
"""Characters that are kept in memory; what comes after them goes to an unnamed temporary file."""


class Transcript:
    """Text that grows at the end and is read at most once."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._file: IO[bytes] | None = None

    def add(self, piece: str) -> None:
        """Append a piece."""
        if self._file is not None:
            self._file.write(_encoded(piece))
            return
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > IN_MEMORY:
            self._spill()

    def text(self) -> str:
        """Everything so far as one text."""
        if self._file is None:
            return "".join(self._pieces)
        self._file.seek(0)
        return self._file.read().decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Forget it all."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.write(_encoded("".join(self._pieces)))
        self._pieces.clear()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
