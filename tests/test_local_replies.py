from __future__ import annotations

import pytest

from aiodynaspark.errors import ResponseError, StreamError, UpstreamError, UsageError
from aiodynaspark.local.replies import chunks, fault
from aiodynaspark.types import FinishReason, Usage


def test_chunks() -> None:
    assert list(chunks({"choices": [{"delta": {"content": "a"}, "finish_reason": None}]})) == ["a"]
    assert list(chunks({"choices": [{"delta": {"role": "assistant", "content": None}}]})) == []
    assert list(chunks({"choices": [{"delta": {}, "finish_reason": "length"}]})) == [
        FinishReason("length")
    ]
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert list(chunks({"choices": [], "usage": usage})) == [Usage(3, 2)]
    assert list(chunks({})) == []


@pytest.mark.parametrize(
    ("error", "partial", "kind", "said"),
    [
        (
            {"type": "exceed_context_size_error", "code": 400, "n_prompt_tokens": 9, "n_ctx": 4},
            "",
            UsageError,
            "9 tokens and the embedded model takes 4",
        ),
        ({"code": 500, "message": "boom"}, "", UpstreamError, "boom"),
        ({"code": 400, "message": "bad"}, "", ResponseError, "bad"),
        ({"code": 500, "message": "boom"}, "so far", StreamError, "in the middle"),
    ],
)
def test_faults(error: dict[str, object], partial: str, kind: type, said: str) -> None:
    made = fault({"error": error}, partial)
    assert type(made) is kind
    assert said in str(made)
    assert getattr(made, "partial", partial) == partial


def test_no_fault() -> None:
    assert fault({"choices": []}) is None
