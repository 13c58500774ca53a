"""A chat completion as OpenAI's wire has it, whole or as events; pure."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from .._body import encode_json
from .._choices import Choice, complete_logprobs
from .._sse import encode_comment
from ..types import Delta, Facts, FinishReason, Notice, ServedBy, Usage
from .event_json import encode_line, json_event
from .openai_errors import error_body

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk
    from .token_counts import TokenCounts

DONE = b"data: [DONE]\n\n"
ESTIMATED = "x-dynaspark-usage: estimated"
"""What says that token counts are an estimate: a header, or a comment among events."""


class ChatAnswer:
    """Puts a whole answer together.

    Args:
        model: the name to give where the provider does not say what answered.
        counts: tells the token counts.
    """

    def __init__(self, model: str, counts: TokenCounts) -> None:
        self._model = model
        self._counts = counts
        self._choices = {0: Choice(0)}

    def add(self, chunk: Chunk) -> None:
        """Take in a chunk."""
        match chunk:
            case str():
                self._choices[0].add_text(chunk)
                self._counts.add(chunk)
            case Delta(index):
                self._choices.setdefault(index, Choice(index)).add(chunk)
            case FinishReason(reason):
                self._choices[0].finish_reason = reason
            case Usage():
                self._counts.reported = chunk
            case ServedBy(model):
                self._model = model

    def render(self) -> bytes:
        """The answer's JSON."""
        return encode_json(
            {
                "id": new_id("chatcmpl"),
                "object": "chat.completion",
                "created": int(time.time()),
                "model": self._model,
                "choices": [self._choices[index].render() for index in sorted(self._choices)],
                "usage": self._counts.totals(),
            }
        )


class ChatEvents:
    """Renders an answer as events, chunk by chunk.

    Args:
        model: the name to give where the provider does not say first what answers.
        counts: tells the token counts.
        include_usage: whether to send them.
    """

    def __init__(self, model: str, counts: TokenCounts, *, include_usage: bool) -> None:
        self._about: dict[str, Any] = {
            "id": new_id("chatcmpl"),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._counts = counts
        self._include_usage = include_usage
        self._begun: set[int] = set()
        self._reason: str | None = None
        self._called = False
        self._frame: tuple[bytes, bytes] | None = None

    def render(self, chunk: Chunk) -> bytes:
        """Return the events that a chunk comes to, which may be none yet."""
        match chunk:
            case str() if chunk:
                self._counts.add(chunk)
                opening = self._opening(0)
                before, after = self._frame or self._make_frame()
                return opening + before + encode_line(chunk) + after
            case Delta(index):
                return self._opening(index) + self._delta(chunk)
            case FinishReason(reason):
                self._reason = reason
            case Usage():
                self._counts.reported = chunk
            case ServedBy(model) if not self._begun:
                self._about["model"] = model
            case ServedBy(model):
                return self._beside({"model": model})
            case Facts():
                return self._beside({"facts": chunk})
            case Notice(text):
                return self._beside({"notice": text})
        return b""

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Return the last events; an error is the last one."""
        if error is not None:
            return json_event(error_body(error))
        reason = self._reason or ("tool_calls" if self._called else "stop")
        rest = self._opening(0) + self._choice(0, {}, reason=reason)
        if self._include_usage:
            rest += encode_comment(ESTIMATED) if self._counts.estimated else b""
            rest += json_event({**self._about, "choices": [], "usage": self._counts.totals()})
        return rest + DONE

    def _opening(self, index: int) -> bytes:
        """The event that says who speaks, before the first one of a choice."""
        if index in self._begun:
            return b""
        self._begun.add(index)
        return self._choice(index, {"role": "assistant", "content": ""})

    def _delta(self, chunk: Delta) -> bytes:
        self._called = self._called or "tool_calls" in chunk.message
        return self._choice(
            chunk.choice,
            dict(chunk.message),
            logprobs=complete_logprobs(chunk.logprobs),
            reason=chunk.finish_reason,
        )

    def _beside(self, what: dict[str, Any]) -> bytes:
        """An event without text; ``x_dynaspark`` holds what OpenAI's wire has no place for."""
        return self._opening(0) + self._choice(0, {}, x_dynaspark=what)

    def _choice(
        self,
        index: int,
        delta: dict[str, Any],
        *,
        logprobs: Any = None,
        reason: str | None = None,
        **more: Any,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        usage = {"usage": None} if self._include_usage else {}
        return json_event({**self._about, "choices": [choice], **usage, **more})

    def _make_frame(self) -> tuple[bytes, bytes]:
        """What stands around the text in its events, made once."""
        before, _, after = self._choice(0, {"content": "\0"}).partition(rb'"\u0000"')
        self._frame = before, after
        return self._frame


def new_id(prefix: str) -> str:
    """A name for an answer that nobody can guess."""
    return f"{prefix}-{secrets.token_hex(12)}"
