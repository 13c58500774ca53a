"""The query wire's answer, whole or as events; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._body import encode_json
from .._sse import encode_comment
from ..types import ServedBy, Usage
from .chat_answer import DONE, ESTIMATED
from .event_json import json_event

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk
    from .token_counts import TokenCounts


class QueryAnswer:
    """Puts a whole answer together, or renders it as events.

    Args:
        model: the name to give where the provider does not say what answers.
        counts: tells the token counts.
    """

    def __init__(self, model: str, counts: TokenCounts) -> None:
        self._model = model
        self._counts = counts
        self._text: list[str] = []

    def add(self, chunk: Chunk) -> None:
        """Take in a chunk of a whole answer."""
        if isinstance(chunk, str):
            self._text.append(chunk)
        self.render(chunk)

    def whole(self, *, detailed: bool) -> bytes:
        """The answer's JSON; ``detailed`` with model and token counts."""
        text = {"response": "".join(self._text)}
        return encode_json({**text, **self._about()} if detailed else text)

    def render(self, chunk: Chunk) -> bytes:
        """Return the event that a chunk comes to, which may be none."""
        match chunk:
            case str() if chunk:
                self._counts.add(chunk)
                return json_event({"response": chunk})
            case Usage():
                self._counts.reported = chunk
            case ServedBy(model):
                self._model = model
        return b""

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Return the last events; an error is the last one."""
        if error is not None:
            return json_event({"error": str(error)})
        comment = encode_comment(ESTIMATED) if self._counts.estimated else b""
        return comment + json_event(self._about()) + DONE

    def _about(self) -> dict[str, Any]:
        return {"model": self._model, "usage": self._counts.totals()}
