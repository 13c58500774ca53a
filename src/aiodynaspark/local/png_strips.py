"""A PNG picture as strips, for those too large to be decoded whole.

Pillow decodes a PNG in one go. Here the data are inflated strip by strip, and each strip is
wrapped as a small PNG whose first row is the last row of the strip before it, so that Pillow
still undoes the filters. Filters work on bytes: any pixel of one to four bytes can be carried
as grey, grey with alpha, RGB or RGBA, and be read as what it really is afterwards.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIECE = 1 << 16
STRIP = 500_000
"""About how many pixels one strip has."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_CARRIERS = {1: 0, 2: 4, 3: 2, 4: 6}
"""The eight-bit colour type that carries so many bytes per pixel."""

_MODES = {
    (0, 1): ("1", "1"),
    (0, 2): ("L", "L;2"),
    (0, 4): ("L", "L;4"),
    (0, 8): ("L", "L"),
    (3, 1): ("P", "P;1"),
    (3, 2): ("P", "P;2"),
    (3, 4): ("P", "P;4"),
    (3, 8): ("P", "P"),
    (4, 8): ("LA", "LA"),
    (2, 8): ("RGB", "RGB"),
    (6, 8): ("RGBA", "RGBA"),
}
"""Pillow's mode and raw mode by colour type and bit depth."""


class Header(NamedTuple):
    """What a PNG's first chunk says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def fits(self) -> bool:
        """Whether the picture can be had in strips."""
        return not self.interlaced and (self.colour, self.depth) in _MODES

    @property
    def pixel(self) -> int:
        """Bytes per pixel, as PNG's filters count them."""
        return max(1, _CHANNELS[self.colour] * self.depth // 8)

    @property
    def row(self) -> int:
        """Bytes per row, without the filter's byte."""
        return (self.width * _CHANNELS[self.colour] * self.depth + 7) // 8


def header(file: BinaryIO) -> Header:
    """Read the first chunk of a PNG from the file's start."""
    file.seek(len(_SIGNATURE) + 8)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", file.read(13))
    return Header(width, height, depth, colour, bool(interlaced))


def strips(file: BinaryIO, multiple: int = 1, pixels: int = STRIP) -> Iterator[Image]:
    """Yield a PNG's strips from top to bottom.

    Args:
        file: at any position.
        multiple: each strip but the last has a multiple of so many rows.
        pixels: how many a strip has, about.

    Raises:
        OSError: the picture is cut short or damaged.
    """
    head = header(file)
    palette = bytearray()
    rows = max(1, pixels // head.width // multiple) * multiple
    before = bytes(head.row)
    inflated = _Inflated(_pixel_data(file, palette))
    for top in range(0, head.height, rows):
        count = min(rows, head.height - top)
        raw = _unfiltered(head, before, inflated.read(count * (head.row + 1)), count)
        before = raw[-head.row :]
        yield _picture(head, raw, count, palette)
    inflated.finish()


def _pixel_data(file: BinaryIO, palette: bytearray) -> Iterator[bytes]:
    """Yield the IDAT chunks' data in pieces; the palette is taken down on the way."""
    file.seek(len(_SIGNATURE))
    while len(start := file.read(8)) == 8:
        size, kind = int.from_bytes(start[:4], "big"), start[4:]
        if kind == b"PLTE":
            palette += file.read(size)
        elif kind == b"IDAT":
            while size > 0 and (piece := file.read(min(size, _PIECE))):
                size -= len(piece)
                yield piece
        else:
            file.seek(size, 1)
        file.seek(4, 1)


class _Inflated:
    """The inflated bytes of pieces, so many at a time."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._zlib = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        data = bytearray()
        while len(data) < size:
            data += self._more(size - len(data))
        return bytes(data)

    def finish(self) -> None:
        """Let zlib compare its checksum, which comes after the last pixel."""
        while not self._zlib.eof:
            self._more(1)

    def _more(self, most: int) -> bytes:
        piece = self._zlib.unconsumed_tail or next(self._pieces, b"")
        if not piece or self._zlib.eof:
            raise OSError("the pixels end too early")
        try:
            return self._zlib.decompress(piece, most)
        except zlib.error as error:
            raise OSError(str(error)) from error


def _unfiltered(head: Header, before: bytes, filtered: bytes, count: int) -> bytes:
    from PIL import Image

    size = struct.pack(
        ">IIBBBBB", head.row // head.pixel, count + 1, 8, _CARRIERS[head.pixel], 0, 0, 0
    )
    data = zlib.compress(b"\0" + before + filtered, 0)
    png = _SIGNATURE + _chunk(b"IHDR", size) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    with Image.open(BytesIO(png)) as picture:
        return picture.tobytes()[head.row :]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _picture(head: Header, raw: bytes, count: int, palette: bytearray) -> Image:
    from PIL import Image

    mode, raw_mode = _MODES[head.colour, head.depth]
    picture = Image.frombytes(mode, (head.width, count), raw, "raw", raw_mode)
    if mode == "P":
        picture.putpalette(bytes(palette))
    return picture
