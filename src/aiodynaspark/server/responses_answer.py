"""An answer of ``/v1/responses``, whole or as events; pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .._body import encode_json
from .._sse import encode_comment
from ..types import Delta, FinishReason, ServedBy, Usage
from .chat_answer import ESTIMATED, new_id
from .event_json import json_event
from .openai_errors import error_body

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk
    from .responses_request import Body
    from .token_counts import TokenCounts

_CUT_SHORT = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesAnswer:
    """Puts a whole answer together.

    Args:
        body: what was asked, parts of which an answer repeats.
        counts: tells the token counts.
    """

    def __init__(self, body: Body, counts: TokenCounts) -> None:
        self._counts = counts
        self._text: list[str] = []
        self._reason = "stop"
        self._item_id = new_id("msg")
        self._response: dict[str, Any] = {
            "id": new_id("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata or {},
            "model": body.model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "temperature": body.temperature,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": None,
        }

    def add(self, chunk: Chunk) -> str:
        """Take in a chunk and return the text that it adds."""
        match chunk:
            case str():
                self._text.append(chunk)
                self._counts.add(chunk)
                return chunk
            case Delta(0, {"refusal": str(refusal)}):
                return self.add(refusal)
            case FinishReason(reason):
                self._reason = reason
            case Usage():
                self._counts.reported = chunk
            case ServedBy(model):
                self._response["model"] = model
        return ""

    def render(self) -> bytes:
        """The answer's JSON."""
        return encode_json(self.completed())

    def begun(self) -> dict[str, Any]:
        """The answer before any text."""
        return self._response

    def completed(self) -> dict[str, Any]:
        """The answer when no more text comes."""
        why = _CUT_SHORT.get(self._reason)
        status = "incomplete" if why else "completed"
        usage = self._counts.usage()
        return {
            **self._response,
            "status": status,
            "incomplete_details": {"reason": why} if why else None,
            "output": [self.item(status)],
            "usage": {
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": usage.completion_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            },
        }

    def item(self, status: str = "in_progress") -> dict[str, Any]:
        """The message that holds the text."""
        return {
            "id": self._item_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [] if status == "in_progress" else [self.part()],
        }

    def part(self) -> dict[str, Any]:
        """The text so far."""
        text = "".join(self._text)
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    @property
    def estimated(self) -> bool:
        """Whether the token counts are an estimate."""
        return self._counts.estimated


class ResponsesEvents:
    """Renders an answer as events, chunk by chunk.

    Args:
        answer: puts the whole of it together.
    """

    def __init__(self, answer: ResponsesAnswer) -> None:
        self._answer = answer
        self._number = 0
        self._item_id = answer.item()["id"]

    def render(self, chunk: Chunk) -> bytes:
        """Return the events that a chunk comes to, which may be none yet."""
        text = self._answer.add(chunk)
        if not text:
            return b""
        opening = b"" if self._number else self._opening()
        return opening + self._event("output_text.delta", **self._place(), delta=text, logprobs=[])

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Return the last events; an error is the last one."""
        if error is not None:
            return self._error(error)
        opening = b"" if self._number else self._opening()
        done = self._answer.completed()
        part = self._answer.part()
        place = self._place()
        return b"".join(
            [
                opening,
                self._event("output_text.done", **place, text=part["text"], logprobs=[]),
                self._event("content_part.done", **place, part=part),
                self._event("output_item.done", output_index=0, item=done["output"][0]),
                encode_comment(ESTIMATED) if self._answer.estimated else b"",
                self._event(done["status"], response=done),
            ]
        )

    def _opening(self) -> bytes:
        response = self._answer.begun()
        empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return b"".join(
            [
                self._event("created", response=response),
                self._event("in_progress", response=response),
                self._event("output_item.added", output_index=0, item=self._answer.item()),
                self._event("content_part.added", **self._place(), part=empty),
            ]
        )

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._item_id, "output_index": 0, "content_index": 0}

    def _error(self, error: DynasparkError) -> bytes:
        """Both shapes in one: the event's own, and the ``error`` that clients look for."""
        body = error_body(error)
        flat = {name: body["error"][name] for name in ("message", "param", "code")}
        return self._written("error", {**flat, **body})

    def _event(self, name: str, **fields: Any) -> bytes:
        return self._written(f"response.{name}", fields)

    def _written(self, kind: str, fields: dict[str, Any]) -> bytes:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: " + kind.encode() + b"\n" + json_event(event)
