"""The openai provider against a real server: what goes out, what comes back, what may break."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from upstream import Upstream, answer, delta, events, pieces, upstream

from aiodynaspark import (
    AuthenticationError,
    Delta,
    FinishReason,
    Loss,
    Model,
    RateLimitError,
    ResponseError,
    ServedBy,
    StreamError,
    UpstreamError,
    Usage,
    UsageError,
    registry,
)
from aiodynaspark.providers.openai import OpenAI

HELLO = [{"role": "user", "content": "hello"}]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000000000500016082cb9f0000000049454e44ae426082"
)
FINE = events(delta("Hi"), delta(" there", finish="stop"), {"choices": [], "usage": {}})


def ask(server: Upstream, messages: Any = HELLO, model: str = "m", **options: Any) -> Any:
    options = {"base_url": f"{server.url}/v1", "retries": 0, **options}
    return OpenAI.create_async_generator(model, messages, **options)


async def everything(chunks: Any) -> list[Any]:
    return [chunk async for chunk in chunks]


def sent(server: Upstream) -> dict[str, Any]:
    return json.loads(server.seen[-1].body)  # type: ignore[no-any-return]


async def test_a_stream() -> None:
    async with upstream(answer(FINE)) as server:
        chunks = await everything(ask(server, api_key="k", temperature=0.5))
    assert chunks == [ServedBy("up-1"), "Hi there", Usage(0, 0), FinishReason("stop")]
    seen = server.seen[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.header("authorization") == "Bearer k"
    assert sent(server) == {
        "model": "m",
        "messages": HELLO,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_whole_answer() -> None:
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    async with upstream(answer(json.dumps(body))) as server:
        text = await OpenAI.create_async("m", HELLO, base_url=server.url, extra={"top_a": 1})
    assert text == "Hi"
    assert server.seen[0].path == "/chat/completions"
    assert sent(server) == {"model": "m", "messages": HELLO, "top_a": 1}


async def test_text_is_handed_on_while_the_answer_arrives() -> None:
    gate = asyncio.Event()
    first, rest = events(delta("one"), done=False), events(delta("two", finish="stop"))
    async with upstream(pieces([first, rest], gate)) as server:
        chunks = ask(server)
        assert await anext(chunks) == ServedBy("up-1")
        assert await anext(chunks) == "one"
        gate.set()
        assert await everything(chunks) == ["two", FinishReason("stop")]


async def test_everything_that_shapes_an_answer_is_relayed_both_ways() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f"}}
    body = events(delta(message={"tool_calls": [call]}), delta(finish="tool_calls"))
    fields = {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "required",
        "response_format": {"type": "json_object"},
        "n": 2,
        "logprobs": True,
        "stop": ["x"],
        "max_tokens": 5,
        "seed": 1,
    }
    talk = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ]
    async with upstream(answer(body)) as server:
        model = Model(OpenAI, "m", {"base_url": server.url})
        chunks = await everything(model.stream(talk, **fields))
    assert Delta(0, {"tool_calls": [call]}) in chunks
    assert FinishReason("tool_calls") in chunks
    assert sent(server) | fields == sent(server)
    assert sent(server)["messages"] == talk


async def test_pictures_go_with_the_last_turn() -> None:
    async with upstream(answer(FINE)) as server:
        await everything(ask(server, media=[(PNG, "a.png")]))
        parts = sent(server)["messages"][0]["content"]
        await everything(ask(server, [{"role": "user", "content": parts}], media=[PNG]))
    assert parts[0] == {"type": "text", "text": "hello"}
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert sent(server)["messages"][0]["content"] == [*parts, parts[1]]


async def test_lone_surrogates_become_replacement_characters() -> None:
    async with upstream(answer(FINE)) as server:
        await everything(ask(server, [{"role": "user", "content": "a\ud800b"}]))
    assert sent(server)["messages"][0]["content"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ResponseError),
        (401, AuthenticationError),
        (404, ResponseError),
        (429, RateLimitError),
        (500, UpstreamError),
    ],
)
async def test_an_error_status_is_the_error_it_stands_for(status: int, kind: type) -> None:
    body = json.dumps({"error": {"message": "it is so", "code": "c"}})
    async with upstream(answer(body, status=status)) as server:
        with pytest.raises(kind, match="it is so") as caught:
            await everything(ask(server))
    assert caught.value.status == status
    assert caught.value.code == "c"


@pytest.mark.parametrize(
    ("rest", "cut", "said"),
    [
        (b'data: {"error": {"message": "out of memory"}}\n\n', False, "out of memory"),
        (b"data: rubbish\n\n", False, "not JSON"),
        (b"", False, "finish_reason"),
        (b"", True, "broke off"),
    ],
)
async def test_a_failure_in_mid_stream_keeps_the_text_so_far(
    rest: bytes, cut: bool, said: str
) -> None:
    first = events(delta("so far"), done=False)
    async with upstream(pieces([first, rest], cut=cut)) as server:
        with pytest.raises(StreamError, match=said) as caught:
            await everything(ask(server, retries=2))
    assert caught.value.partial == "so far"
    assert len(server.seen) == 1, "nothing repeats once something was handed on"


async def test_the_environment_names_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    async with upstream(answer(FINE)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1/")
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        await everything(registry.find("openai:m").stream(HELLO))
        assert server.seen[-1].header("authorization") == "Bearer secret"
        await everything(ask(server))
        assert server.seen[-1].header("authorization") is None, "it belongs to another endpoint"


async def test_without_an_endpoint_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="OPENAI_BASE_URL"):
        await registry.find("openai:m").complete(HELLO)


@pytest.mark.parametrize(
    ("messages", "options", "said"),
    [
        ([], {}, r"messages\[0\]"),
        ([{"role": "user"}], {}, r"messages\[0\]"),
        (HELLO, {"model": ""}, "openai:NAME"),
        (HELLO, {"metadata": {"a": object()}}, "JSON"),
        (HELLO, {"media": [b"no picture"]}, "picture"),
    ],
)
async def test_a_malformed_ask_is_refused(
    messages: Any, options: dict[str, Any], said: str
) -> None:
    async with upstream(answer(FINE)) as server:
        with pytest.raises(UsageError, match=said):
            await everything(ask(server, messages, **options))
    assert not server.seen


async def test_unknown_options_are_reported() -> None:
    lost: list[Loss] = []
    async with upstream(answer(FINE)) as server:
        await everything(ask(server, packing="safe", losses=lost.extend))
        with pytest.raises(UsageError, match="packing"):
            await everything(ask(server, packing="safe", strict=True))
    assert [loss.name for loss in lost] == ["packing"]
    assert "packing" not in sent(server)


def test_options_do_not_show_the_key() -> None:
    from aiodynaspark.providers.openai import Options

    assert "secret" not in repr(Options.parse({"base_url": "http://h", "api_key": "secret"}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function"}]),
        ("tool_choice", "required"),
        ("response_format", {"type": "json_object"}),
        ("n", 2),
        ("logprobs", True),
        ("stop", ["x"]),
    ],
)
async def test_a_provider_that_cannot_refuses_instead_of_ignoring(field: str, value: Any) -> None:
    echo = registry.find("echo")
    with pytest.raises(UsageError, match=field) as caught:
        await echo.complete(HELLO, **{field: value})
    assert caught.value.param == field


async def test_fields_that_ask_for_nothing_are_no_demand() -> None:
    harmless = {"tools": [], "n": 1, "logprobs": False, "response_format": {"type": "text"}}
    echo = registry.find("echo")
    assert await echo.complete(HELLO, stop=None, tool_choice="auto", **harmless) == "hello"
