"""Pictures: what a caller may pass, what is taken, and what goes over a wire (no network).

Two gates. ``is_accepted_format`` goes by the first bytes alone, as the providers do. ``inspect``
is the strict one, for pictures that come from outside: it reads the header and no pixel.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ._body import escape_name
from ._picture_headers import HEAD, HeaderError, looks_like, sides, sniff
from ._picture_sources import (
    MAX_SIZE,
    is_pipe,
    is_source,
    opener,
    reading,
    shown,
    to_bytes,
    too_large,
)
from .errors import UnsupportedMedia, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .types import MediaListType, MediaSource

__all__ = [
    "MAX_PIXELS",
    "MAX_SIZE",
    "Attachment",
    "MediaInfo",
    "inspect",
    "is_accepted_format",
    "media_items",
    "open_media",
    "to_bytes",
    "to_data_uri",
]

MAX_PIXELS = 50_000_000
"""The largest picture that ``inspect`` takes, in pixels."""

_SUFFIXES = {
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
_UNSENDABLE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a picture's header says.

    Attributes:
        content_type: by the picture's bytes, such as ``image/png``.
        width: in pixels, as stored; a viewer may turn the picture.
        height: in pixels, as stored.
        size: in bytes.
    """

    content_type: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture as a wire sends it.

    Attributes:
        name: the file's name, fit for a multipart header in raw UTF-8.
        content_type: by the picture's first bytes.
        size: in bytes, when the attachment was made.
        open: opens the content at its start, each time anew; the caller closes what it gave.
            Closing it never closes a file object that was passed in.
    """

    name: str
    content_type: str
    size: int
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)


def is_accepted_format(data: bytes) -> str:
    """Tell the content type of JPEG, PNG, GIF or WebP bytes by how they begin.

    Raises:
        UnsupportedMedia: they begin like something else.
    """
    return _content_type(bytes(data[:HEAD]), data)


def to_data_uri(source: MediaSource) -> str:
    """Write a picture as a ``data:`` URI whose type is told by its bytes.

    Raises:
        UnsupportedMedia: it is no JPEG, PNG, GIF or WebP, or it cannot be read.
    """
    data = to_bytes(source)
    return f"data:{_content_type(data[:HEAD], source)};base64,{base64.b64encode(data).decode()}"


def inspect(source: MediaSource) -> MediaInfo:
    """Check a picture from outside by its header: type, sides and size; no pixel is decoded.

    A file is read as far as needed, from its start; a file object is left where it stood.

    Args:
        source: bytes, a file's path, a seekable binary file object, or what ``to_bytes`` takes.

    Raises:
        UnsupportedMedia: it is no whole JPEG, PNG, GIF or WebP header with sides above zero, it
            has more than ``MAX_PIXELS`` pixels or ``MAX_SIZE`` bytes, or it cannot be read.
    """
    if is_pipe(source):
        raise UnsupportedMedia(f"{shown(source)} can be read only once; read it into bytes first.")
    with reading(source) as file:
        content_type, size = _type_and_size(file, source)
        if size > MAX_SIZE:
            raise too_large(source)
        try:
            width, height = sides(content_type, file)
        except HeaderError as error:
            raise UnsupportedMedia(f"{shown(source)} {error}; save it anew.") from None
    if width * height > MAX_PIXELS:
        raise UnsupportedMedia(
            f"{shown(source)} has {width} x {height} pixels, more than {MAX_PIXELS:,}; "
            "scale it down."
        )
    return MediaInfo(content_type, width, height, size)


def open_media(source: MediaSource, name: str | None = None) -> Attachment:
    """Get a picture ready to be sent; only its first bytes are read, whatever its size.

    A pipe, which can be read once only, is taken into memory, up to ``MAX_SIZE`` bytes.

    Args:
        source: what ``to_bytes`` takes.
        name: the file's name; directories are cut off, and what would break a header is
            percent-encoded. None or an empty one becomes ``image.png`` and so on by type.

    Raises:
        UnsupportedMedia: it does not begin like a JPEG, PNG, GIF or WebP, or it cannot be read.
    """
    open_source = opener(source)
    with reading(source, open_source) as file:
        content_type, size = _type_and_size(file, source)
    return Attachment(_file_name(name, content_type), content_type, size, open_source)


def media_items(media: MediaListType | None) -> list[tuple[MediaSource, str | None]]:
    """List media as ``(source, name or None)`` pairs.

    Raises:
        UsageError: it is no list, or ``media[index]`` is neither a source nor such a pair.
    """
    if media is None:
        return []
    if not isinstance(media, list | tuple):
        raise UsageError('media must be a list, such as [(png_bytes, "image.png")].')
    return [_item(item, f"media[{index}]") for index, item in enumerate(media)]


def _item(item: Any, where: str) -> tuple[MediaSource, str | None]:
    source, name = item if isinstance(item, list | tuple) and len(item) == 2 else (item, None)
    if not is_source(source):
        raise UsageError(
            f"{where} must be a picture (its bytes, its path, an open file), "
            "or a pair of a picture and its file name."
        )
    if not isinstance(name, str | None):
        raise UsageError(f"{where} has a file name that is no text; pass a string or None.")
    return source, name


def _type_and_size(file: BinaryIO, source: MediaSource) -> tuple[str, int]:
    content_type = _content_type(file.read(HEAD), source)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return content_type, size


def _content_type(head: bytes, source: MediaSource) -> str:
    content_type = sniff(head)
    if content_type is None:
        kind = looks_like(head)
        fault = f"looks like {kind}" if kind else "is no picture that is known here"
        raise UnsupportedMedia(f"{shown(source)} {fault}; send a JPEG, PNG, GIF or WebP picture.")
    return content_type


def _file_name(name: str | None, content_type: str) -> str:
    name = re.split(r"[/\\]", name or "")[-1]
    if name in ("", ".", ".."):
        return f"image.{_SUFFIXES[content_type]}"
    name = _UNSENDABLE.sub("\ufffd", name)
    return escape_name(name)
