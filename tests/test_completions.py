"""Chat completions into chunks: cut at every byte, whole and streamed, sound and broken."""

from __future__ import annotations

import json

import pytest
from upstream import delta, events

from aiodynaspark._completions import CompletionDecoder
from aiodynaspark.errors import StreamError
from aiodynaspark.types import Delta, FinishReason, ServedBy, Usage

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}]}
COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAM = events(
    delta("", message={"role": "assistant"}),
    delta("Grüße "),
    delta("🙂"),
    delta(None, message={"tool_calls": [{"index": 0, **CALL}]}),
    delta(finish="tool_calls"),
    {"choices": [], "usage": COUNTS},
)
WHOLE = {
    "model": "up-1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Grüße 🙂", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": COUNTS,
}
EXPECTED = [
    ServedBy("up-1"),
    "Grüße 🙂",
    Delta(0, {"tool_calls": [{"index": 0, **CALL}]}),
    Usage(3, 2),
    FinishReason("tool_calls"),
]


def decode(*pieces: bytes) -> list[object]:
    decoder = CompletionDecoder()
    chunks = [chunk for piece in pieces for chunk in decoder.feed(piece)]
    return [*chunks, *decoder.finish()]


def joined(chunks: list[object]) -> list[object]:
    """Neighbouring texts as one."""
    result: list[object] = []
    for chunk in chunks:
        if isinstance(chunk, str) and result and isinstance(result[-1], str):
            result[-1] += chunk
        else:
            result.append(chunk)
    return result


def test_what_one_piece_holds_comes_as_one_text() -> None:
    assert decode(STREAM) == EXPECTED


@pytest.mark.parametrize("body", [STREAM, json.dumps(WHOLE).encode(), b"\xef\xbb\xbf\n " + STREAM])
def test_bytes_may_be_cut_anywhere(body: bytes) -> None:
    assert joined(decode(*(body[at : at + 1] for at in range(len(body))))) == EXPECTED
    for at in range(len(body)):
        assert joined(decode(body[:at], body[at:])) == EXPECTED


def test_further_choices_logprobs_and_refusals_are_deltas() -> None:
    body = events(
        delta("a", logprobs=LOGPROBS),
        delta("b", index=1),
        delta(message={"refusal": "no"}),
        delta(index=1, finish="length"),
        delta(finish="stop"),
    )
    assert decode(body) == [
        ServedBy("up-1"),
        "a",
        Delta(0, {}, LOGPROBS),
        Delta(1, {"content": "b"}),
        Delta(0, {"refusal": "no"}),
        Delta(1, {}, None, "length"),
        FinishReason("stop"),
    ]


def test_the_last_usage_counts() -> None:
    body = events(delta("a", usage={"prompt_tokens": 1}), delta(finish="stop", usage=COUNTS))
    assert decode(body)[-2:] == [Usage(3, 2), FinishReason("stop")]


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", b"data: [DONE]\n\ndata: rubbish\n\n"])
def test_a_finish_reason_or_done_ends_it(end: bytes) -> None:
    body = events(delta("a", finish="stop"), done=False) + end
    assert decode(body) == [ServedBy("up-1"), "a", FinishReason("stop")]
    assert decode(events(delta("a"))) == [ServedBy("up-1"), "a"]


def test_lone_surrogates_are_mended() -> None:
    assert decode(events(r'{"choices":[{"delta":{"content":"a\ud800b"}}]}')) == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("body", "said", "retryable"),
    [
        (b"", "empty body", True),
        (b" \n", "empty body", True),
        (b"<html>no</html>", "HTML", True),
        (events(delta("a"), done=False), "without a finish_reason", True),
        (b"hello", "without a finish_reason", True),
        (events(delta("a"), "rubbish"), "not JSON", False),
        (events(delta("a"), "[1]"), "no chat completion", False),
        (events(delta("a"), {"choices": [{"delta": {"content": 1}}]}), "no chat comp", False),
        (events(delta("a"), "[" * 100_000), "not JSON", False),
        (events(delta("a"), {"error": {"message": "out of memory"}}), "out of memory", False),
        (events({"error": "overloaded."}), "error: overloaded.", False),
        (events({"error": {}}), "without saying which", False),
        (b'{"error": {"message": "no such model"}}', "no such model", False),
        (b'{"choices": [', "cut off", True),
        (b'{"choices": [}', "not JSON", False),
        (b"{}", "no choices", False),
    ],
)
def test_what_is_no_answer_is_an_error(body: bytes, said: str, retryable: bool) -> None:
    with pytest.raises(StreamError, match=said) as caught:
        decode(body)
    assert caught.value.retryable is retryable


def test_text_before_a_fault_is_handed_on() -> None:
    decoder = CompletionDecoder()
    assert decoder.feed(events(delta("a"), "rubbish")) == [ServedBy("up-1"), "a"]
    with pytest.raises(StreamError):
        decoder.feed(b"more")
