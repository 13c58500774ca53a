"""The choices of a chat completion, put together of their pieces; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .types import Delta

_GROWING = ("refusal", "reasoning", "reasoning_content")
"""Members whose pieces are texts to be joined."""


@dataclass(slots=True)
class Choice:
    """One answer of several that the same ask may bring."""

    index: int
    finish_reason: str | None = None
    _text: list[str] = field(default_factory=list)
    _members: dict[str, Any] = field(default_factory=dict)
    _calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    _logprobs: dict[str, list[Any]] = field(default_factory=dict)

    def add_text(self, text: str) -> None:
        """Take in a piece of the text."""
        self._text.append(text)

    def add(self, delta: Delta) -> None:
        """Take in a piece that is more than text."""
        for name, value in delta.message.items():
            if name == "content":
                self._text.append(value)
            elif name == "tool_calls":
                self._add_calls(value)
            elif name in _GROWING:
                self._members[name] = self._members.get(name, "") + value
            elif name == "function_call":
                _merge_call(self._members.setdefault(name, {}), value)
            else:
                self._members[name] = value
        for name, tokens in (delta.logprobs or {}).items():
            self._logprobs.setdefault(name, []).extend(tokens or ())
        self.finish_reason = delta.finish_reason or self.finish_reason

    def render(self) -> dict[str, Any]:
        """The choice as an answer that is not streamed has it."""
        text = "".join(self._text)
        message = {"role": "assistant", "content": text, "refusal": None, **self._members}
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        if not text and (self._calls or self._members):
            message["content"] = None
        return {
            "index": self.index,
            "message": message,
            "logprobs": complete_logprobs(self._logprobs),
            "finish_reason": self.finish_reason or ("tool_calls" if self._calls else "stop"),
        }

    def _add_calls(self, pieces: list[dict[str, Any]]) -> None:
        for piece in pieces:
            index = piece.get("index", len(self._calls))
            call = self._calls.setdefault(index, {"id": "", "type": "function"})
            for name, value in piece.items():
                if name in ("function", "custom"):
                    _merge_call(call.setdefault(name, {}), value)
                elif name != "index" and value is not None:
                    call[name] = value


def complete_logprobs(logprobs: Any) -> dict[str, Any] | None:
    """Log probabilities with both keys that they have to have; None where there are none."""
    if not logprobs:
        return None
    return {
        "content": logprobs.get("content") or None,
        "refusal": logprobs.get("refusal") or None,
    }


def _merge_call(call: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add a piece of a call: its arguments grow, its name comes once."""
    for name, value in piece.items():
        if name in ("arguments", "input"):
            call[name] = call.get(name, "") + (value or "")
        elif value:
            call[name] = value
