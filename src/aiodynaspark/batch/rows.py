"""Rows as OpenAI's batches write them; pure.

What goes in to be asked is a plain dict too: ``line``, ``custom_id``, ``messages``, ``model``,
``media`` and ``options``, the last three optional.
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

from .._choices import Choice
from ..errors import ResponseError
from ..types import Delta, Facts, FinishReason, ServedBy, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Chunk

Row: TypeAlias = dict[str, Any]

_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def answer_row(row: Row, chunks: Sequence[Chunk], model: str) -> Row:
    """What is written for a row that was answered.

    Args:
        row: the row that was asked.
        chunks: the whole answer.
        model: who was asked; the answer may say who really spoke.
    """
    choices, usage, facts = {0: Choice(0)}, None, []
    for chunk in chunks:
        match chunk:
            case str():
                choices[0].add_text(chunk)
            case Delta(index):
                choices.setdefault(index, Choice(index)).add(chunk)
            case FinishReason(reason):
                choices[0].finish_reason = reason
            case ServedBy(found):
                model = found
            case Usage():
                usage = _usage(chunk)
            case Facts():
                facts.append(asdict(chunk))
    body = {
        "id": f"chatcmpl-{row['line']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choices[index].render() for index in sorted(choices)],
        "usage": usage,
        **({"facts": facts} if facts else {}),
    }
    return _written(row["line"], row["custom_id"], status=200, body=body)


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def failure_row(line: int, custom_id: str, error: Exception) -> Row:
    """What is written for a row that failed; the message names its line.

    What a server answered is told as its answer, anything else as an error of ours.
    """
    kind = _INNER_CAPITAL.sub("_", type(error).__name__).lower()
    said = f"Line {line}: {error}"
    if not isinstance(error, ResponseError):
        return _written(line, custom_id, error={"code": kind, "message": said})
    told = {"message": said, "type": kind, "param": None, "code": error.code}
    return _written(line, custom_id, status=error.status, body={"error": told})


def _written(
    line: int,
    custom_id: str,
    *,
    status: int | None = None,
    body: Row | None = None,
    error: Row | None = None,
) -> Row:
    response = {"status_code": status, "request_id": f"req_{line}", "body": body}
    return {
        "id": f"batch_req_{line}",
        "custom_id": custom_id,
        "response": response if status is not None else None,
        "error": error,
    }
