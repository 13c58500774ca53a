"""From a picture to its facts: what is stated of it before any model speaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .. import media
from ..types import Facts
from . import colours, ocr, picture
from .matching import matching_lines

if TYPE_CHECKING:
    from ..types import MediaSource

NO_PILLOW = (
    "The picture's colours and text are not read, because Pillow is not installed; "
    "run `pip install 'aiodynaspark[vision]'`."
)
NO_READER = (
    "The picture's text is not read, because rapidocr or onnxruntime is not installed; "
    "run `pip install 'aiodynaspark[vision]'`."
)
TOO_LARGE = (
    "The picture's colours and text are not read, because it is too large to be decoded here; "
    "scale it down, or save it as a plain JPEG."
)


def look(source: MediaSource, question: str = "") -> tuple[Facts, str | None]:
    """State what a picture shows; blocks while it is decoded and read.

    Args:
        source: what ``media.inspect`` takes.
        question: the lines that match it are marked.

    Returns:
        The facts, and a sentence where something could not be stated, else None.

    Raises:
        UnsupportedMedia: it is no picture that is taken here, or its body is cut short.
    """
    info = media.inspect(source)
    facts = Facts(info.content_type, info.width, info.height, info.size)
    with media.open_media(source).open() as file:
        try:
            small, turned = picture.decode(file, info)
        except ModuleNotFoundError:
            return facts, NO_PILLOW
        except picture.TooLarge:
            return facts, TOO_LARGE
    if turned:
        facts = replace(facts, width=info.height, height=info.width)
    facts = replace(facts, colours=colours.dominant_colours(small))
    try:
        text = ocr.read(small)
    except ModuleNotFoundError:
        return facts, NO_READER
    return replace(facts, text=text, matches=matching_lines(question, text)), None
