"""The text in a picture, read by rapidocr: loaded with the first picture, one at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image

SURE = 0.7
"""A piece of text is kept where the reader is at least so sure of it, from 0 to 1."""


class Piece(NamedTuple):
    """A piece of text and where it stands, in pixels."""

    text: str
    left: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half-way between top and bottom."""
        return (self.top + self.bottom) / 2


def read(picture: Image) -> tuple[str, ...]:
    """Read the lines of a picture in mode RGB, from top to bottom; blocks while it works.

    Raises:
        ModuleNotFoundError: rapidocr or what it needs is not installed.
    """
    with _one_at_a_time:
        found = _reader()(picture)
    if found.boxes is None:
        return ()
    return lines(
        Piece(
            text.strip(),
            min(x for x, _ in box),
            min(y for _, y in box),
            max(y for _, y in box),
        )
        for box, text in zip(found.boxes.tolist(), found.txts, strict=True)
    )


def lines(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Join pieces that stand side by side, and list the lines from top to bottom (pure)."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if rows and rows[-1][-1].top <= piece.middle <= rows[-1][-1].bottom:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    joined = (" ".join(p.text for p in sorted(row, key=lambda p: p.left)) for row in rows)
    return tuple(line for line in joined if line)


_one_at_a_time = threading.Lock()
_loaded: list[Any] = []


def _reader() -> Any:
    if not _loaded:
        import onnxruntime  # noqa: F401 - here: an optional dependency, which rapidocr needs
        from rapidocr import RapidOCR

        params = {
            "Global.log_level": "critical",
            "Global.text_score": SURE,
            "EngineConfig.onnxruntime.intra_op_num_threads": settings.threads() or -1,
        }
        _loaded.append(RapidOCR(params=params))
    return _loaded[0]
