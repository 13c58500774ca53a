"""The things that a picture may come from, as bytes or as a file that opens several times."""

from __future__ import annotations

import base64
import binascii
import io
import os
import re
import stat
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard
from urllib.parse import unquote_to_bytes

from .errors import UnsupportedMedia, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .types import MediaSource

_DATA_URI = re.compile(r"data:image/(?:png|jpe?g|gif|webp)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SAVE_AS = {"GIF": "GIF", "JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}
_ANONYMOUS = "The picture"

MAX_SIZE = 20 * 1024 * 1024
"""The largest picture that is taken from outside or out of a pipe, in bytes."""


def to_bytes(source: MediaSource) -> bytes:
    """Return the bytes of a picture; nothing is ever fetched.

    Args:
        source: bytes as they are, a base64 ``data:`` URI of a PNG, JPEG, GIF or WebP, a file's
            path, a binary file object (read from its start), or a PIL image (saved in its own
            format where that is one of the four, else as PNG).

    Raises:
        UnsupportedMedia: it is none of these, it is an empty file, or it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if _is_data_uri(source):
        return _decoded(source)
    if _is_image(source):
        return _saved(source)
    with reading(source) as file:
        return file.read()


@contextmanager
def reading(
    source: MediaSource, open_source: Callable[[], BinaryIO] | None = None
) -> Iterator[BinaryIO]:
    """Open a picture at its start, close it in the end, and translate what goes wrong with it.

    Args:
        source: what ``opener`` takes.
        open_source: what ``opener`` gave for it, where that is at hand.

    Raises:
        UnsupportedMedia: it is no source, it is empty, or it cannot be read.
    """
    with _translated(source), (open_source or opener(source))() as file:
        if not file.read(1):
            raise UnsupportedMedia(f"{shown(source)} is empty; send a picture.")
        file.seek(0)
        yield file


def opener(source: MediaSource) -> Callable[[], BinaryIO]:
    """Give a function that opens a picture at its start, as often as it is called.

    A path is opened anew each time. A caller's file object is lent: what is opened has a position
    of its own, and closing it leaves the caller's file open, where it stood. A pipe, which can be
    read only once, is taken into memory, up to ``MAX_SIZE`` bytes.

    Raises:
        UnsupportedMedia: it is no source, or it cannot be read.
    """
    if not is_source(source):
        raise UnsupportedMedia(
            f"A {type(source).__name__} is no picture; pass its bytes, its path or an open file."
        )
    if is_pipe(source):
        return partial(io.BytesIO, _drained(source))
    if _is_file(source):
        return partial(_lend, source)
    if _is_path(source) and not _is_data_uri(source):
        return partial(_open_file, source)
    return partial(io.BytesIO, to_bytes(source))


def is_source(source: object) -> bool:
    """Tell whether something is of a kind that ``to_bytes`` takes."""
    return (
        isinstance(source, bytes | bytearray | memoryview)
        or _is_path(source)
        or _is_file(source)
        or _is_image(source)
    )


def is_pipe(source: MediaSource) -> TypeGuard[BinaryIO]:
    """Tell whether a source is a file object that can be read only once."""
    if not _is_file(source):
        return False
    with _translated(source):
        if not isinstance(source.read(0), bytes):
            raise UnsupportedMedia(f"{shown(source)} is open as text; open it in binary mode.")
        return not (source.seekable() if hasattr(source, "seekable") else hasattr(source, "seek"))


def shown(source: MediaSource) -> str:
    """Name a source at the beginning of a sentence: its file as given, or just a picture."""
    name = source if _is_path(source) else getattr(source, "name", None)
    if not _is_path(name) or _is_data_uri(name):
        return _ANONYMOUS
    return one_line(os.fsdecode(name), limit=120) or _ANONYMOUS


def too_large(source: MediaSource) -> UnsupportedMedia:
    """Make the error for a source of more than ``MAX_SIZE`` bytes."""
    return UnsupportedMedia(f"{shown(source)} has more than {MAX_SIZE:,} bytes; make it smaller.")


def _is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, str | os.PathLike)


def _is_file(source: object) -> TypeGuard[BinaryIO]:
    return callable(getattr(source, "read", None))


def _is_image(source: object) -> bool:
    return hasattr(source, "save") and hasattr(source, "convert")  # PIL, without loading it


def _is_data_uri(source: object) -> TypeGuard[str]:
    return isinstance(source, str) and source[:5].lower() == "data:"


@contextmanager
def _translated(source: MediaSource) -> Iterator[None]:
    try:
        yield
    except UnsupportedMedia:
        raise
    except FileNotFoundError:
        raise UnsupportedMedia(f"There is no file {shown(source)}; check the path.") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or one_line(str(error)) or type(error).__name__
        raise UnsupportedMedia(f"{shown(source)} cannot be read: {why}.") from error


def _open_file(source: str | os.PathLike[str]) -> BinaryIO:
    with _translated(source):
        if isinstance(source, str) and _URL.match(source):
            raise UnsupportedMedia(
                "A picture was given as a URL, and none is fetched; download it and pass the file."
            )
        path = Path(os.fsdecode(source))
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnsupportedMedia(f"{shown(source)} is a directory; name a file in it.")
        if not stat.S_ISREG(mode):  # opening a pipe could wait for ever
            raise UnsupportedMedia(f"{shown(source)} is no regular file; save the picture first.")
        return path.open("rb")


def _drained(pipe: BinaryIO) -> bytes:
    data = bytearray()
    with _translated(pipe):
        while piece := pipe.read(MAX_SIZE + 1 - len(data)):
            data += piece
    if len(data) > MAX_SIZE:
        raise too_large(pipe)
    return bytes(data)


def _lend(file: BinaryIO) -> BinaryIO:
    with _translated(file):
        return io.BufferedReader(_Lent(file, file.tell()))


def _decoded(uri: str) -> bytes:
    head = _DATA_URI.match(uri)
    if not head:
        raise UnsupportedMedia(
            "A data URI must hold a png, jpeg, gif or webp in base64: data:image/png;base64,..."
        )
    payload = b"".join(unquote_to_bytes(uri[head.end() :]).split())
    try:
        return base64.b64decode(payload + b"=" * (-len(payload) % 4), validate=True)
    except binascii.Error:
        raise UnsupportedMedia("A data URI holds damaged base64; encode it again.") from None


def _saved(image: Any) -> bytes:
    try:
        return _saved_somehow(image)
    except Exception as error:  # Pillow lets out whatever its decoders run into
        why = one_line(str(error)) or type(error).__name__
        raise UnsupportedMedia(f"The PIL image cannot be saved: {why}.") from error


def _saved_somehow(image: Any) -> bytes:
    """Save a PIL image as it came where that is carried, else as PNG; not all know every mode."""
    exif = image.getexif()  # holds the orientation
    options = {"exif": exif} if exif else {}
    if own_format := _SAVE_AS.get(image.format):
        with suppress(OSError):
            return _saved_as(image, own_format, **options)
    with suppress(OSError):
        return _saved_as(image, "PNG", **options)
    return _saved_as(image.convert("RGB"), "PNG", **options)


def _saved_as(image: Any, picture_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **options)
    return buffer.getvalue()


class _Lent(io.RawIOBase):
    """A caller's file, read from its start at a position of its own and left where it stood."""

    # Two uploads of one file object move one position, perhaps on two threads. Reentrant, since
    # what is lent may be lent on, and the garbage collector may close one while another reads.
    _turn = threading.RLock()

    def __init__(self, file: BinaryIO, stood: int) -> None:
        self._file = file
        self._stood = stood
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._turn:
            self._file.seek(self._position)
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with self._turn:
            if whence == io.SEEK_END:
                self._position = self._file.seek(offset, whence)
            else:
                self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError, ValueError), self._turn:
                self._file.seek(self._stood)
        super().close()
