"""OpenAI's chat completions, whole or as a stream of events, into chunks; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from . import _json
from ._sse import EventDecoder
from .errors import StreamError, one_line
from .types import Delta, FinishReason, ServedBy, Usage

if TYPE_CHECKING:
    from .types import Chunk

__all__ = ["CompletionDecoder"]

_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class _Message(msgspec.Struct, omit_defaults=True):
    """A message, or what is new of it."""

    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: dict[str, Any] | None = None
    annotations: list[Any] | None = None
    audio: dict[str, Any] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Counts(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    """A whole completion, or a piece of one."""

    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Counts | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Completion)


class CompletionDecoder:
    """Makes chunks of one answer's bytes: server-sent events, or a single JSON object.

    What one piece of bytes holds of the first choice's text comes as one text. A fault never
    costs text: ``feed`` returns what came before it, and the next call raises.
    """

    def __init__(self) -> None:
        self._events = EventDecoder()
        self._head = b""
        self._whole: bytearray | None = None  # the body, where it is no stream
        self._begun = False
        self._done = False
        self._model: str | None = None
        self._reason: str | None = None
        self._usage: _Counts | None = None
        self._fault: StreamError | None = None
        self._text: list[str] = []
        self._chunks: list[Chunk] = []

    def feed(self, data: bytes) -> list[Chunk]:
        """Take the next bytes and return the chunks that they complete.

        Raises:
            StreamError: what came before was no chat completion, or reported an error.
        """
        self._raise_fault()
        if not self._begun:
            data = self._begin(data)
        if self._whole is not None:
            self._whole += data
        elif data and not self._done:
            try:
                for event in self._events.feed(data):
                    self._take_event(event.data)
            except StreamError as fault:
                self._fault = fault.with_traceback(None)
        return self._taken()

    def finish(self) -> list[Chunk]:
        """Return what is left.

        Raises:
            StreamError: the answer is not whole; ``retryable`` where it was cut, empty or HTML.
        """
        self._raise_fault()
        if not self._begun:
            raise StreamError(
                "The server answered with an empty body where a chat completion was expected; "
                "try again later.",
                retry_once=True,
            )
        if self._whole is not None:
            self._take_whole(self._whole.decode("utf-8", "replace"))
        elif not self._done and self._reason is None:
            raise StreamError(
                "The server's answer ended without a finish_reason and without [DONE]; ask again.",
                retryable=True,
            )
        self._add_end()
        return self._taken()

    def _begin(self, data: bytes) -> bytes:
        """Tell by its first character what the body is; until then keep it."""
        self._head += data
        seen = self._head.removeprefix(_BOM).lstrip(_SPACE)
        if not seen or _BOM.startswith(self._head):
            return b""
        self._begun = True
        if seen.startswith(b"<"):
            self._fault = StreamError(
                "The server answered with a page of HTML where a chat completion was expected; "
                "check the base_url.",
                retry_once=True,
            )
            return b""
        if seen.startswith(b"{"):
            self._whole = bytearray()
            return seen
        return self._head

    def _take_whole(self, body: str) -> None:
        if not body.rstrip().endswith("}"):
            raise StreamError(
                "The server's answer was cut off before its JSON ended; ask again.", retryable=True
            )
        if not self._take(body).choices:
            raise StreamError(
                "The server's answer holds no choices; check that the base_url is an endpoint "
                "for chat completions."
            )

    def _take_event(self, data: str) -> None:
        if data == "[DONE]":
            self._done = True
        elif not self._done:
            self._take(data)

    def _take(self, data: str) -> _Completion:
        piece = _parse(data)
        if piece.error is not None:
            raise _reported(piece.error)
        if piece.model and self._model is None:
            self._model = piece.model
            self._chunks.append(ServedBy(piece.model))
        if piece.usage is not None:
            self._usage = piece.usage
        for choice in piece.choices or ():
            self._take_choice(choice)
        return piece

    def _take_choice(self, choice: _Choice) -> None:
        message = choice.delta or choice.message
        first = choice.index == 0
        reason = choice.finish_reason
        rest: dict[str, Any] = {}
        if message is not None:
            if first and message.content:
                self._text.append(message.content)
                message.content = None
            rest = _members(message, whole=choice.message is not None)
        if first and reason:
            self._reason, reason = reason, None
        if rest or choice.logprobs or reason:
            self._join_text()
            self._chunks.append(Delta(choice.index, rest, choice.logprobs, reason))

    def _add_end(self) -> None:
        self._join_text()
        if self._usage is not None:
            counts = self._usage
            self._chunks.append(Usage(counts.prompt_tokens, counts.completion_tokens))
        if self._reason is not None:
            self._chunks.append(FinishReason(self._reason))

    def _join_text(self) -> None:
        if self._text:
            self._chunks.append("".join(self._text))
            self._text.clear()

    def _taken(self) -> list[Chunk]:
        self._join_text()
        chunks, self._chunks = self._chunks, []
        return chunks

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault


def _parse(data: str) -> _Completion:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:  # once more, slowly: lone surrogates are mended here
        return msgspec.convert(_json.parse(data), _Completion)
    except msgspec.ValidationError as error:
        raise StreamError(
            f"The server's answer is no chat completion ({error}); "
            "check the base_url, or report it to whoever runs the server."
        ) from None
    except ValueError:
        raise StreamError(
            "The server's answer holds data that is not JSON; "
            "ask again, or report it to whoever runs the server."
        ) from None


def _members(message: _Message, *, whole: bool) -> dict[str, Any]:
    """What a message has besides its text; the tool calls of a whole one get their numbers."""
    members = {name: value for name, value in msgspec.to_builtins(message).items() if value}
    if whole and "tool_calls" in members:
        members["tool_calls"] = [
            {"index": index, **call} for index, call in enumerate(members["tool_calls"])
        ]
    return members


def _reported(error: Any) -> StreamError:
    said = error.get("message") if isinstance(error, dict) else error
    said = one_line(said).rstrip(".") if isinstance(said, str) else ""
    if not said:
        return StreamError("The server reported an error without saying which; try again later.")
    return StreamError(f"The server reported an error: {said}.")
