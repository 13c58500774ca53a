"""What the engine's chunks say (pure)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import DynasparkError, StreamError, UsageError, error_for_status
from ..types import FinishReason, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..types import Chunk


def chunks(event: dict[str, Any]) -> Iterator[Chunk]:
    """Yield what one chunk of a chat completion holds: text, the finish reason, the usage."""
    for choice in event.get("choices") or ():
        if text := (choice.get("delta") or {}).get("content"):
            yield text
        if reason := choice.get("finish_reason"):
            yield FinishReason(reason)
    if usage := event.get("usage"):
        yield Usage(usage["prompt_tokens"], usage["completion_tokens"])


def fault(event: dict[str, Any], partial: str = "") -> DynasparkError | None:
    """Make the error that a chunk stands for, None where it stands for none.

    Args:
        event: the chunk.
        partial: the text that was handed on before it.
    """
    error = event.get("error")
    if not error:
        return None
    if error.get("type") == "exceed_context_size_error":
        return UsageError(
            f"The prompt has {error.get('n_prompt_tokens')} tokens and the embedded model takes "
            f"{error.get('n_ctx')}; shorten it, or set a larger `context`."
        )
    if partial:
        return StreamError("The embedded model failed in the middle; ask again.", partial=partial)
    return error_for_status(
        int(error.get("code", 500)), body=json.dumps(event).encode(), where="the embedded model"
    )
