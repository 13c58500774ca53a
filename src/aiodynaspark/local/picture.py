"""A picture decoded as far as it has to be: small, upright, and in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from ..errors import UnsupportedMedia
from . import png_strips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from ..media import MediaInfo

SIDE = 2000
"""The longer side of what is handed on, in pixels at most; reading text needs no more."""

MEMORY = 56_000_000
"""What decoding one picture may take, in bytes."""

_SIDEWAYS = (5, 6, 7, 8)
_WEBP = 20
"""Bytes per pixel that Pillow takes to decode WebP, animated or not; measured."""


class TooLarge(Exception):
    """The picture cannot be decoded within ``MEMORY``."""


def decode(file: BinaryIO, info: MediaInfo) -> tuple[Image, bool]:
    """Decode a picture in mode RGB, upright, on white, its longer side at most ``SIDE``.

    Args:
        file: seekable, read from its start.
        info: what its header says.

    Returns:
        The picture, and whether it was turned by a quarter to be upright.

    Raises:
        ModuleNotFoundError: Pillow is not installed.
        TooLarge: it takes more than ``MEMORY`` bytes.
        UnsupportedMedia: its body is cut short or damaged.
    """
    from PIL import Image

    if info.content_type == "image/webp" and info.width * info.height * _WEBP > MEMORY:
        raise TooLarge
    try:
        file.seek(0)
        with Image.open(file) as picture:
            turned = orientation(picture)
            return _upright(_shrunk(picture, file), turned), turned in _SIDEWAYS
    except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
        raise UnsupportedMedia(
            "The picture's header is whole but its body is cut short or damaged; save it anew."
        ) from error


def orientation(picture: Image) -> int:
    """How the picture is to be turned, as EXIF counts: 1 is upright."""
    from PIL import Image

    exif = Image.Exif()  # picture.getexif() would decode a PNG whole
    if data := picture.info.get("exif"):
        exif.load(data)
    value = exif.get(0x0112, 1)
    return value if value in range(1, 9) else 1


def _shrunk(picture: Image, file: BinaryIO) -> Image:
    from PIL import Image

    if picture.format == "JPEG":
        _draft(picture)
    width, height = picture.size
    factor = -(-max(width, height) // SIDE)
    small = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    top = 0
    for strip in _strips(picture, file, factor):
        small.paste(_on_white(strip).reduce(factor), (0, top // factor))
        top += strip.height
    return small


def _draft(picture: Image) -> None:
    """Let the JPEG decoder shrink the picture on its way, as far as memory asks for."""
    held = _coefficients(picture)
    if held > MEMORY * 0.7:
        raise TooLarge
    area, scale = picture.width * picture.height, 1
    while scale < 8 and area * 4 > (MEMORY - held) * 0.6 * scale * scale:
        scale *= 2
    if scale > 1:
        picture.draft(None, (picture.width // scale, picture.height // scale))


def _coefficients(picture: Image) -> float:
    """Bytes that the decoder holds for the whole of a progressive JPEG, however it shrinks it."""
    if not picture.info.get("progressive"):
        return 0
    parts = [(across, down) for _, across, down, _ in picture.layer]  # type: ignore[attr-defined]
    whole = max(across for across, _ in parts) * max(down for _, down in parts)
    share = sum(across * down for across, down in parts) / whole
    return float(2 * share * picture.width * picture.height)


def _strips(picture: Image, file: BinaryIO, multiple: int) -> Iterator[Image]:
    width, height = picture.size
    weight = 1 if picture.mode in ("1", "L", "P") else 4
    if width * height * weight > MEMORY * 3 // 4:
        if picture.format != "PNG" or not png_strips.header(file).fits:
            raise TooLarge
        yield from png_strips.strips(file, multiple)
        return
    picture.load()
    rows = max(1, 500_000 // width // multiple) * multiple
    for top in range(0, height, rows):
        yield picture.crop((0, top, width, min(height, top + rows)))


def _on_white(picture: Image) -> Image:
    from PIL import Image

    if picture.mode.startswith("I"):  # sixteen bits: Pillow would clip them, not scale them
        picture = picture.point(lambda value: value / 257).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def _upright(picture: Image, turned: int) -> Image:
    from PIL.Image import Transpose

    turns = (
        (),
        (Transpose.FLIP_LEFT_RIGHT,),
        (Transpose.ROTATE_180,),
        (Transpose.FLIP_TOP_BOTTOM,),
        (Transpose.TRANSPOSE,),
        (Transpose.ROTATE_270,),
        (Transpose.TRANSVERSE,),
        (Transpose.ROTATE_90,),
    )
    for turn in turns[turned - 1]:
        picture = picture.transpose(turn)
    return picture
