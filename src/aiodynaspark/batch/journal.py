"""An append-only file of rows that survives kill -9, a full disk and a second writer."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from .._body import encode_json
from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = b'{"id":"batch_req_'
"""How every row begins: what follows the last whole line and does not is none of ours."""


class _Written(msgspec.Struct):
    custom_id: str


_decode = msgspec.json.Decoder(_Written).decode


class Journal:
    """One file, locked for as long as it is open; to be closed.

    Attributes:
        path: where it is.

    Raises:
        UsageError: the file is a link, a directory or held by another run, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = 0
        self._synced = 0
        self._fault: OSError | None = None
        self._syncing = threading.Lock()
        self._file = _opened(path)
        self._size = os.fstat(self._file.fileno()).st_size

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return self._size == 0

    @property
    def unsynced(self) -> int:
        """How many rows are written that a power cut may take."""
        return self._written - self._synced

    def is_same_file(self, other: Journal | BinaryIO) -> bool:
        """Whether two names stand for one file."""
        file = other._file if isinstance(other, Journal) else other
        return os.path.sameopenfile(self._file.fileno(), file.fileno())

    def recover(self) -> Iterator[str]:
        """Check every whole line, yield its row's id, and cut off a torn last line.

        Raises:
            UsageError: a whole line is no row; nothing is changed then.
        """
        whole = 0
        with open(os.dup(self._file.fileno()), "rb") as file:  # noqa: PTH123
            file.seek(0)
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    self._check_torn(line, number)
                    break
                whole += len(line)
                yield self._id(line, number)
        if whole < self._size:
            self._cut(whole)

    def _id(self, line: bytes, number: int) -> str:
        try:
            return _decode(line).custom_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._foreign(number) from None

    def _check_torn(self, tail: bytes, number: int) -> None:
        written = tail.rstrip(b"\0")  # what a power cut may leave in place of data
        if not (written.startswith(HEAD) or HEAD.startswith(written)):
            raise self._foreign(number)

    def _foreign(self, number: int) -> UsageError:
        return UsageError(
            f"{self.path}, line {number}, is no row of a batch; nothing was changed: "
            "repair the line or move the file away."
        )

    def write(self, row: dict[str, Any]) -> None:
        """Append a row as one whole line, in one write.

        Raises:
            OSError: the disk is full or broken; the file ends with the row before.
        """
        if self._fault is not None:
            raise self._fault
        line = memoryview(encode_json(row) + b"\n")
        try:
            written = self._file.write(line)
            while written < len(line):  # a full disk takes a part, and says so at the next write
                written += self._file.write(line[written:])
        except OSError as error:
            self._cut_quietly()
            raise self._named(error) from None
        self._size += len(line)
        self._written += 1

    def sync(self) -> None:
        """Have the disk keep what was written; may run in a thread beside ``write``.

        A failure is raised by the next ``write`` or ``close``.
        """
        with self._syncing:
            if not self._file.closed:
                self._sync()

    def _sync(self) -> None:
        written = self._written
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            self._fault = self._named(error)
        self._synced = written

    def clear(self) -> None:
        """Forget all rows."""
        self._cut(0)

    def close(self) -> None:
        """Have the disk keep everything, and let go of the file.

        Raises:
            OSError: the disk did not keep it.
        """
        with self._syncing:
            self._sync()
            self._file.close()
        if self._fault is not None:
            raise self._fault

    def _cut(self, size: int) -> None:
        self._file.truncate(size)
        os.fsync(self._file.fileno())
        self._size = size

    def _cut_quietly(self) -> None:
        try:
            self._file.truncate(self._size)
        except OSError:
            return  # the next run cuts off the torn line

    def _named(self, error: OSError) -> OSError:
        return OSError(error.errno, error.strerror, str(self.path))


def _opened(path: Path) -> Any:
    try:
        # Unbuffered: a write is one call of the system's.
        file = open(path, "a+b", buffering=0, opener=_open_no_link)  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {_reason(error)}.") from None
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UsageError(f"{path} is no regular file; name one.")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UsageError(f"{path} is being written by another run; wait for its end.") from None
    except BaseException:
        file.close()
        raise
    return file


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "it is a symbolic link, which is never followed"
    return error.strerror or "for a reason that is not known"
