"""The query wire's answer, one JSON object or server-sent events, into chunks; pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from . import _json
from ._field import FieldDecoder
from ._sse import EventDecoder
from .errors import StreamError, one_line
from .types import ServedBy, Usage

if TYPE_CHECKING:
    from .types import Chunk

__all__ = ["QueryDecoder"]

_BEFORE = b"\xef\xbb\xbf \t\r\n"
_EVENT_STARTS = (b":", b"data", b"event", b"id", b"retry")


class QueryDecoder:
    """Decodes whichever of its two forms the answer has, whatever was asked for."""

    def __init__(self) -> None:
        self._head = b""
        self._form: _Object | _Events | None = None

    def feed(self, data: bytes) -> list[Chunk]:
        """Take the next bytes and return the chunks that they complete.

        Raises:
            StreamError: what came before was malformed, or reported an error.
        """
        if self._form is None:
            self._head += data
            begin = self._head.lstrip(_BEFORE)
            if not begin or any(start.startswith(begin) for start in _EVENT_STARTS):
                return []
            self._form = _Events() if begin.startswith(_EVENT_STARTS) else _Object()
            data, self._head = self._head, b""
        return self._form.feed(data)

    def finish(self) -> list[Chunk]:
        """Return what is left.

        Raises:
            StreamError: the answer is not whole.
        """
        form = self._form or _Object()
        return [*form.feed(self._head), *form.finish()]


class _Object:
    """``{"response": "...", "model": "...", "usage": {...}}``, the text as it comes."""

    def __init__(self) -> None:
        self._text = FieldDecoder()

    def feed(self, data: bytes) -> list[Chunk]:
        text = self._text.feed(data)
        return [text] if text else []

    def finish(self) -> list[Chunk]:
        self._text.finish()
        return _beside(self._text.members)


class _Events:
    """``data: {"response": "..."}`` events up to ``data: [DONE]``."""

    def __init__(self) -> None:
        self._events = EventDecoder()
        self._done = False
        self._fault: StreamError | None = None

    def feed(self, data: bytes) -> list[Chunk]:
        if self._fault is not None:
            raise self._fault
        chunks: list[Chunk] = []
        try:
            for event in self._events.feed(data):
                chunks += self._take(event.data)
        except StreamError as fault:
            self._fault = fault.with_traceback(None)
        return _joined(chunks)

    def finish(self) -> list[Chunk]:
        if self._fault is not None:
            raise self._fault
        if not self._done:
            raise StreamError(
                "The server's answer ended without [DONE]; ask again.", retryable=True
            )
        return []

    def _take(self, data: str) -> list[Chunk]:
        if self._done or data == "[DONE]":
            self._done = True
            return []
        try:
            members = _json.parse(data)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise StreamError(
                "The server's answer holds data that is not a JSON object; "
                "ask again, or report it to whoever runs the server."
            )
        if (error := members.get("error")) is not None:
            said = one_line(error).rstrip(".") if isinstance(error, str) else "it says not which"
            raise StreamError(f"The server reported an error: {said}.")
        text = members.get("response")
        return [*([text] if isinstance(text, str) and text else []), *_beside(members)]


def _beside(members: dict[str, Any]) -> list[Chunk]:
    """What an answer says beside its text; what is not understood means nothing."""
    chunks: list[Chunk] = []
    if isinstance(model := members.get("model"), str):
        chunks.append(ServedBy(model))
    with suppress(msgspec.ValidationError):
        chunks.append(msgspec.convert(members.get("usage"), Usage))
    return chunks


def _joined(chunks: list[Chunk]) -> list[Chunk]:
    """The texts that came together as one text, then the rest."""
    text = "".join([chunk for chunk in chunks if isinstance(chunk, str)])
    return [*([text] if text else []), *(chunk for chunk in chunks if not isinstance(chunk, str))]
