"""The input as numbered lines: a file, a pipe or a program's own rows, readable more than once."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 32 * 1024 * 1024
"""The longest line that is taken, in bytes; a picture of 20 MiB fits as a ``data:`` URI."""

BOM = b"\xef\xbb\xbf"

Rows: TypeAlias = Iterable[Mapping[str, Any] | str]
Jobs: TypeAlias = str | os.PathLike[str] | BinaryIO | Rows
"""A file's path, a pipe, or rows: prompts, or objects as a line of the file holds them."""


class Line(NamedTuple):
    """One line that is not blank.

    Attributes:
        number: counted from 1, blank lines included.
        text: without its line break; of a line that is too long, its digest alone.
        fault: what is wrong with it already, "" if nothing is.
    """

    number: int
    text: bytes
    fault: str = ""


@dataclass(frozen=True)
class Lines:
    """An input that can be read from its start as often as needed, by one reader at a time.

    Attributes:
        file: the bytes, decompressed, seekable.
        name: what messages call it.
        directory: where the pictures that it names are looked for.
        plain: whether each line is a prompt and no JSON.
    """

    file: BinaryIO
    name: str
    directory: Path
    plain: bool

    def read(self, limit: int | None = None) -> Iterator[Line]:
        """Read from the start, ``limit`` lines at most.

        Raises:
            UsageError: a compressed file is damaged.
        """
        self.file.seek(0)
        try:
            yield from islice(_split(self.file), limit)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise UsageError(f"{self.name} is no whole gzip file; compress it anew.") from None


@contextmanager
def opened(jobs: Jobs, *, spool: Path) -> Iterator[Lines]:
    """Open an input; what cannot be read twice is first copied to an unnamed file in ``spool``.

    Raises:
        UsageError: it is no readable file.
    """
    if isinstance(jobs, str | os.PathLike):
        path = Path(jobs)
        with _opened_file(path) as file:
            yield Lines(file, str(path), path.absolute().parent, plain=False)
        return
    with tempfile.TemporaryFile(dir=spool) as file:
        yield _spooled(jobs, file)


def _spooled(jobs: Any, file: BinaryIO) -> Lines:
    if hasattr(jobs, "read"):
        shutil.copyfileobj(jobs, file)
        return Lines(file, "standard input", Path.cwd(), _is_plain(file))
    file.writelines(map(_as_line, jobs))
    return Lines(file, "the rows", Path.cwd(), plain=False)


def _opened_file(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a directory; name a file of prompts in it.")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file; pass a pipe as `-`.")
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


def _as_line(row: Mapping[str, Any] | str) -> bytes:
    whole = {"prompt": row} if isinstance(row, str) else dict(row)
    try:
        return json.dumps(whole).encode() + b"\n"
    except (TypeError, ValueError, RecursionError):
        raise UsageError("The rows must be JSON: objects of texts, numbers and lists.") from None


def _is_plain(file: BinaryIO) -> bool:
    """Whether the first line that is not blank does not begin like a JSON object."""
    file.seek(0)
    first = next(_split(file), None)
    return first is not None and not first.text.lstrip().startswith(b"{")


def _split(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while raw := file.readline(MAX_LINE):
        number += 1
        whole = len(raw) < MAX_LINE or raw.endswith(b"\n")
        if number == 1:
            raw = raw.removeprefix(BOM)
        if not whole:
            yield Line(number, _digest_to_line_end(file, raw), "is longer than 32 MiB; split it")
        elif text := raw.rstrip(b"\r\n"):
            if not text.isspace():
                yield Line(number, text)


def _digest_to_line_end(file: BinaryIO, begun: bytes) -> bytes:
    digest = blake2b(begun, digest_size=16)
    while rest := file.readline(io.DEFAULT_BUFFER_SIZE):
        digest.update(rest)
        if rest.endswith(b"\n"):
            break
    return digest.hexdigest().encode()
