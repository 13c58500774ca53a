"""The answer that a faulty host would give if it worked, on the wire that it was asked on. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

TEXT = "It works in the end, and this is all that the host has to say."
MODEL = "faulty"


@dataclass(frozen=True, slots=True)
class GoodAnswer:
    """A whole answer.

    Attributes:
        content_type: of the body.
        body: the bytes, the text in ASCII.
    """

    content_type: str
    body: bytes

    @property
    def middle(self) -> int:
        """A place in the body's middle, after some of the text."""
        return self.body.index(b"and this")

    @property
    def start(self) -> int:
        """Where the body's text begins."""
        return self.body.index(TEXT[:8].encode())


def good_answer(path: str, body: bytes) -> GoodAnswer:
    """The answer for a request: OpenAI's to ``.../chat/completions``, else the form wire's."""
    if not path.partition("?")[0].endswith("/chat/completions"):
        return _json({"response": TEXT, "model": MODEL})
    if b'"stream":true' in body.replace(b" ", b""):
        return GoodAnswer("text/event-stream", _events())
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 12, "total_tokens": 13}
    return _json({**_envelope("chat.completion"), "choices": [choice], "usage": usage})


def _json(value: Any) -> GoodAnswer:
    return GoodAnswer("application/json", json.dumps(value).encode())


def _events() -> bytes:
    first, rest = TEXT[:20], TEXT[20:]
    deltas = [{"role": "assistant", "content": first}, {"content": rest}, {}]
    return b"".join(map(_event, deltas)) + b"data: [DONE]\n\n"


def _event(delta: dict[str, str]) -> bytes:
    reason = None if delta else "stop"
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    chunk = {**_envelope("chat.completion.chunk"), "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _envelope(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-0", "object": kind, "created": 0, "model": MODEL}
