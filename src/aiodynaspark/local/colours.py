"""The dominant colours of a picture, by name (pure)."""

from __future__ import annotations

import colorsys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SAMPLE = 64
"""The picture is judged by this many points each way."""

_HUES = (
    (15, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, "green"),
    (195, "turquoise"),
    (255, "blue"),
    (290, "purple"),
    (340, "pink"),
    (360, "red"),
)


def dominant_colours(picture: Image, *, share: float = 0.05, most: int = 3) -> tuple[str, ...]:
    """Name the colours that cover most of an RGB picture, the largest first.

    Args:
        picture: in mode RGB.
        share: how much of the picture a colour has to cover, from 0 to 1.
        most: how many are named.
    """
    points = picture.resize((SAMPLE, SAMPLE), 0).tobytes()  # 0: the nearest point, not a mixture
    pixels = zip(points[::3], points[1::3], points[2::3], strict=True)
    counted = Counter(map(name, *zip(*pixels, strict=True)))
    return tuple(
        colour for colour, count in counted.most_common(most) if count >= share * SAMPLE * SAMPLE
    )


def name(red: int, green: int, blue: int) -> str:
    """Name one colour, its parts from 0 to 255."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.2:
        return "black"
    if saturation < 0.12 or (value < 0.35 and saturation < 0.25):
        return "white" if value > 0.9 else "light grey" if value > 0.7 else "grey"
    degrees = hue * 360
    if degrees < 45 and value < 0.62:
        return "brown"
    return next(colour for limit, colour in _HUES if degrees <= limit)
