"""Several pictures on one numbered contact sheet, for wires that carry a single picture."""

from __future__ import annotations

import io
import math
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .errors import UnsupportedMedia, UsageError
from .media import inspect, media_items, open_media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as PILImage

    from .media import Attachment
    from .types import MediaListType

__all__ = ["MAX_PICTURES", "MAX_SIDE", "contact_sheet"]

MAX_PICTURES = 36
"""With more, a page of text could not be read on its tile."""

MAX_SIDE = 3072
"""The longest side of a sheet, in pixels: models scale larger pictures down."""

_MAX_DECODED = 16_000_000  # pixels of a picture that cannot be decoded at a smaller scale
_GAP = 16
_LABEL = 48

_WIDTH_STEP = 64

_Size: TypeAlias = tuple[int, int]
_Box: TypeAlias = tuple[int, int, int, int]


class _Layout(NamedTuple):
    """The sheet's size, and each tile's left, top, width and height; in pixels."""

    size: _Size
    boxes: tuple[_Box, ...]


def contact_sheet(pictures: MediaListType) -> tuple[bytes, str]:
    """Put pictures on one numbered sheet; the same pictures give the same sheet.

    Each picture gets a like share of the sheet's area, whatever its shape, and is never enlarged;
    of an animation the first frame is shown. Pictures are decoded one after the other, which
    takes about 0.1 s each: in an event loop, call this in a thread.

    Args:
        pictures: sources or ``(source, name or None)`` pairs, at most ``MAX_PICTURES``.

    Returns:
        The sheet as JPEG bytes, and the legend to add to the prompt.

    Raises:
        UnsupportedMedia: ``media[index]`` is refused by ``inspect``, or it cannot be decoded.
        UsageError: there are no pictures or too many, or Pillow is not installed.
    """
    items = media_items(pictures)
    if not 0 < len(items) <= MAX_PICTURES:
        raise UsageError(
            f"A contact sheet holds 1 to {MAX_PICTURES} pictures, not {len(items)}; "
            "pass as many as it holds."
        )
    _require_pillow()
    share = MAX_SIDE**2 // max(len(items), 4)
    tiles: list[PILImage] = []
    names: list[str] = []
    for index, (source, name) in enumerate(items):
        try:
            attachment = open_media(source, name)
            tiles.append(_tile(attachment, share))
        except UnsupportedMedia as error:
            raise UnsupportedMedia(f"media[{index}]: {error}") from error
        names.append(attachment.name)
    return _sheet(tiles, share), _legend(names)


def _require_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401 - only looked for
    except ImportError:
        raise UsageError(
            "A contact sheet needs Pillow; install it with: pip install 'aiodynaspark[vision]'"
        ) from None


def _legend(names: Sequence[str]) -> str:
    heading = (
        f"The picture is a contact sheet of {len(names)} pictures. "
        "The number of each stands above its upper left corner:"
    )
    return "\n".join([heading, *(f"{number}: {name}" for number, name in enumerate(names, 1))])


def _tile(attachment: Attachment, share: int) -> PILImage:
    """Decode a picture upright, in plain colours, on no more pixels than its share."""
    from PIL import Image, ImageOps

    with attachment.open() as file:
        info = inspect(file)
        size = _shrunk((info.width, info.height), share)
        try:
            with Image.open(file, formats=[info.content_type.removeprefix("image/")]) as image:
                image.draft(None, size)
                _check_decodable(image, (info.width, info.height))
                tile = _plain(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
        except UnsupportedMedia:
            raise
        except Exception as error:  # Pillow lets out whatever its decoders run into
            raise UnsupportedMedia(
                "The picture is damaged after its header; save it anew."
            ) from error
    with suppress(Exception):  # damaged EXIF does no harm to the picture
        tile = ImageOps.exif_transpose(tile)
    return tile


def _check_decodable(image: PILImage, stored: _Size) -> None:
    # Of a progressive JPEG the decoder keeps every coefficient, at any scale.
    width, height = stored if image.info.get("progressive") else image.size
    if width * height > _MAX_DECODED:
        raise UnsupportedMedia(
            f"The picture has {width} x {height} pixels, too many to be decoded here; "
            "scale it down or save it as a baseline JPEG."
        )


def _plain(image: PILImage) -> PILImage:
    """Convert to RGB: 16 bits to their upper 8, transparent parts to white."""
    from PIL import Image

    if image.mode == "I;16":
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    plain = Image.new("RGB", image.size, "white")
    plain.paste(image, mask=image)
    return plain


def _shrunk(size: _Size, share: int) -> _Size:
    """Scale a size down to a number of pixels, and to what the sheet can hold at all."""
    width, height = size
    longest = MAX_SIDE - 2 * _GAP - _LABEL
    scale = min(1.0, math.sqrt(share / (width * height)), longest / max(size))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _sheet(tiles: Sequence[PILImage], share: int) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    layout = _layout([tile.size for tile in tiles], share)
    sheet = Image.new("RGB", layout.size, "white")
    draw = ImageDraw.Draw(sheet)
    placed = zip(tiles, layout.boxes, strict=True)
    font = ImageFont.load_default(_LABEL * 3 // 4)
    for number, (tile, (x, y, width, height)) in enumerate(placed, start=1):
        draw.rectangle((x, y - _LABEL, x + _LABEL, y - 1), fill="black")
        middle = (x + _LABEL // 2, y - _LABEL // 2)
        draw.text(middle, str(number), fill="white", font=font, anchor="mm")
        draw.rectangle((x - 2, y - 2, x + width + 1, y + height + 1), fill="black")
        sheet.paste(tile.resize((width, height), Image.Resampling.LANCZOS), (x, y))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=90, subsampling=0)  # coloured text stays sharp
    return buffer.getvalue()


def _layout(sizes: Sequence[_Size], share: int) -> _Layout:
    """Arrange tiles on the most compact sheet; where it is too large, shrink the largest tiles."""
    while True:
        shrunk = [_shrunk(size, share) for size in sizes]
        layouts = (_arranged(shrunk, width) for width in _widths(shrunk))
        layout = min(layouts, key=lambda layout: (max(layout.size), layout.size))
        if max(layout.size) <= MAX_SIDE:
            return layout
        share = share * 19 // 20


def _widths(sizes: Sequence[_Size]) -> range:
    widest = max(width for width, _ in sizes)
    return range(max(widest, _LABEL) + 2 * _GAP, MAX_SIDE + 1, _WIDTH_STEP)


def _arranged(sizes: Sequence[_Size], sheet_width: int) -> _Layout:
    """Put each tile in turn as high, then as far to the left, as the ones before it allow."""
    cells: list[_Box] = []
    for width, height in sizes:
        cell = (max(width, _LABEL) + _GAP, height + _LABEL + _GAP)
        lefts = {_GAP, *(left + used for left, _, used, _ in cells)}
        spots = [(_below(cells, x, cell[0]), x) for x in lefts if x + cell[0] <= sheet_width]
        top, left = min(spots)
        cells.append((left, top, *cell))
    boxes = (
        (left, top + _LABEL, width, height)
        for (left, top, _, _), (width, height) in zip(cells, sizes, strict=True)
    )
    right = max(left + width for left, _, width, _ in cells)
    return _Layout((right, _below(cells, 0, right)), tuple(boxes))


def _below(cells: Sequence[_Box], left: int, width: int) -> int:
    """Find the height at which a strip is free of the cells placed so far."""
    return max((y + h for x, y, w, h in cells if x < left + width and left < x + w), default=_GAP)
