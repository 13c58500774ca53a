"""The form wire's JSON answer, rendered member by member as chunks come. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._body import encode_json
from ..types import Facts, Notice, ServedBy

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk


class FormAnswer:
    """Renders ``{"facts": ..., "response": "...", "model": ..., ...}`` in pieces.

    Args:
        model: the name to give where the provider does not say what answered.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._notices: list[str] = []
        self._facts: Facts | None = None
        self._in_text = False

    def render(self, chunk: Chunk) -> bytes:
        """Return the bytes that a chunk comes to, which may be none yet."""
        match chunk:
            case str() if chunk:
                return self._opened() + encode_json(chunk)[1:-1]
            case Facts() if self._facts is None and not self._in_text:
                self._facts = chunk
                return b'{"facts":' + encode_json(chunk)
            case Notice(text):
                self._notices.append(text)
            case ServedBy(model):
                self._model = model
        return b""

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Close the text and the object; what only the end knows comes here."""
        rest = self._opened() + b'","model":' + encode_json(self._model)
        if self._notices:
            rest += b',"notices":' + encode_json(self._notices)
        if error is not None:
            rest += b',"error":' + encode_json(str(error))
        return rest + b"}\n"

    def _opened(self) -> bytes:
        if self._in_text:
            return b""
        self._in_text = True
        return b'{"response":"' if self._facts is None else b',"response":"'
