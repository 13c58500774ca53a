"""What a picture's first bytes say: its type and its sides, without decoding a pixel (pure).

The parsers read forward from the file's start, seek over what they do not need, and look at a
bounded number of segments, so a hostile header ends as quickly as an honest one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

HEAD = 1024
"""How many bytes ``sniff`` and ``looks_like`` want to see."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_STEPS = 10_000
"""Segments, blocks and fill bytes before a picture's sides; an honest 20 MiB has hundreds."""


class HeaderError(ValueError):
    """What is wrong with a header, as the end of a sentence that begins with the picture."""


def sniff(head: bytes) -> str | None:
    """Tell the content type that the first 12 bytes stand for, None where it is not carried."""
    if head.startswith((b"\xff\xd8", b"\x89JFIF", b"JFIF\0")):
        return "image/jpeg"
    if head.startswith(PNG_SIGNATURE):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def sides(content_type: str, file: BinaryIO) -> tuple[int, int]:
    """Read the width and the height, in pixels, from a file that stands at its start.

    Raises:
        HeaderError: the header is cut, damaged or hostile.
    """
    width, height = _PARSERS[content_type](file)
    if not width or not height:
        raise HeaderError(f"has no size ({width} x {height} pixels)")
    return width, height


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise HeaderError("is cut short in its header")
    return data


def _damaged() -> NoReturn:
    raise HeaderError("has a damaged header")


def _png(file: BinaryIO) -> tuple[int, int]:
    head = _take(file, len(PNG_SIGNATURE) + 4 + 4 + 13 + 4)  # the IHDR chunk and its checksum
    if head[8:16] != b"\0\0\0\rIHDR":
        _damaged()
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    if _take(file, 2) != b"\xff\xd8":
        _damaged()
    for _ in range(MAX_STEPS):
        prefix, marker = _take(file, 2)
        if prefix == marker == 0xFF:
            file.seek(-1, 1)  # a fill byte, which may stand before any marker
            continue
        # No marker at all, a second start, or a scan or the end without a frame before it.
        if prefix != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xDA:
            _damaged()
        length = int.from_bytes(_take(file, 2))
        if length < 2:
            _damaged()
        if marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _jpeg_frame(_take(file, length - 2))
        file.seek(length - 2, 1)
    _damaged()


def _jpeg_frame(frame: bytes) -> tuple[int, int]:
    """Read a frame header: precision, height, width, then three bytes for each component."""
    if len(frame) < 9 or len(frame) != 6 + 3 * frame[5]:
        _damaged()
    return int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3])


def _gif(file: BinaryIO) -> tuple[int, int]:
    head = _take(file, 13)
    width, height = _little(head[6:8]), _little(head[8:10])
    if not width or not height:
        return width, height
    if head[10] & 0x80:
        file.seek(3 << ((head[10] & 7) + 1), 1)  # the colour table
    right, bottom = _gif_first_frame(file)
    return max(width, right), max(height, bottom)


def _gif_first_frame(file: BinaryIO) -> tuple[int, int]:
    """Find how far the first frame reaches: decoders enlarge the picture to hold it."""
    in_extension = False
    for _ in range(MAX_STEPS):
        byte = file.read(1)
        if in_extension and byte:
            file.seek(byte[0], 1)
            in_extension = byte != b"\0"
        elif byte == b"!":
            file.seek(1, 1)
            in_extension = True
        else:
            return _gif_reach(file.read(8)) if byte == b"," else (0, 0)
    _damaged()


def _gif_reach(frame: bytes) -> tuple[int, int]:
    if len(frame) < 8:
        return 0, 0  # the body is cut, which is for the decoder to refuse
    left, top, width, height = (_little(frame[at : at + 2]) for at in (0, 2, 4, 6))
    return left + width, top + height


def _webp(file: BinaryIO) -> tuple[int, int]:
    chunk = _take(file, 20)[12:16]
    if chunk == b"VP8X":
        head = _take(file, 10)
        return _little(head[4:7]) + 1, _little(head[7:10]) + 1
    if chunk == b"VP8L":
        head = _take(file, 5)
        bits = _little(head[1:5])
        if head[0] != 0x2F:
            _damaged()
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    head = _take(file, 10)
    if chunk != b"VP8 " or head[0] & 1 or head[3:6] != b"\x9d\x01\x2a":
        _damaged()
    return _little(head[6:8]) & 0x3FFF, _little(head[8:10]) & 0x3FFF


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


_PARSERS: dict[str, Callable[[BinaryIO], tuple[int, int]]] = {
    "image/gif": _gif,
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}


_FOREIGN = (
    (rb"%PDF-", "a PDF document"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "an EPS drawing"),
    (rb"II[*+]\x00|MM\x00[*+]", "a TIFF picture"),
    (rb"BM.{4}\x00{4}", "a BMP picture"),
    (rb"\x00\x00[\x01\x02]\x00", "an icon"),
    (rb"8BPS", "a Photoshop file"),
    (rb"\x00{3}\x0cJXL |\xff\x0a", "a JPEG XL picture"),
    (rb"\x00{3}\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb".{4}ftyp(avif|avis)", "an AVIF picture"),
    (rb".{4}ftyp(hei|hev|mif1|msf1)", "a HEIC picture"),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", "a video"),
    (rb"PK\x03\x04", "a ZIP archive or an office document"),
    (rb"\x1f\x8b", "a gzip file"),
    (rb"(data:image/|iVBORw0KGgo|/9j/|R0lGOD|UklGR)", "a picture in base64 text"),
    (rb"(?i)\s*<(!doctype html|html|head|body|script)", "an HTML page"),
    (rb"(?i)\s*<(.*<)?svg", "an SVG drawing"),
    (rb"\s*<[?!]?[A-Za-z]", "an XML file"),
    (rb"[\t\n\r -~]+\Z", "text"),
    (rb"\Z", "an empty file"),
)


def looks_like(head: bytes) -> str | None:
    """Name what the first bytes look like where they are no picture of ours, None if unknown."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, of which ASCII is enough here
        text = head[2:].replace(b"\0", b"")
    return next((name for pattern, name in _FOREIGN if re.match(pattern, text, re.DOTALL)), None)
