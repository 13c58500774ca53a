"""How many tokens an ask took: the provider's own count, or an estimate that says so. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..prompt import turns
from ..types import Usage

if TYPE_CHECKING:
    from ..types import Messages

BYTES_PER_TOKEN = 4
"""What byte-pair encodings come to on average in English."""


@dataclass(slots=True)
class TokenCounts:
    """Keeps what is needed to tell the counts in the end.

    Attributes:
        messages: the chat that was asked.
        reported: what the provider said, None as long as it has said nothing.
    """

    messages: Messages
    reported: Usage | None = None
    _answer_bytes: int = 0

    def add(self, text: str) -> None:
        """Take in a piece of the answer."""
        self._answer_bytes += len(text.encode(errors="replace"))

    @property
    def estimated(self) -> bool:
        """Whether the counts are an estimate."""
        return self.reported is None or self.reported.estimated

    def usage(self) -> Usage:
        """The counts so far."""
        if self.reported is not None:
            return self.reported
        asked = sum(len(turn.text.encode(errors="replace")) for turn in turns(self.messages))
        return Usage(_tokens(asked), _tokens(self._answer_bytes), estimated=True)

    def totals(self) -> dict[str, int]:
        """The counts as OpenAI's chat completions and the query wire have them."""
        usage = self.usage()
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        }


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
