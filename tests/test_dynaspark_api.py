"""The query wire's client against a real server."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from upstream import Upstream, answer, events, pieces, upstream

from aiodynaspark import Loss, RateLimitError, ServedBy, StreamError, Usage, UsageError
from aiodynaspark._query_answer import QueryDecoder
from aiodynaspark.providers.dynaspark_api import DynasparkAPI

HELLO = [{"role": "user", "content": "a&b=c+d é\n?#"}]
STREAM = events({"response": "Hi"}, {"response": " you"}, {"model": "m1"})
COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
WHOLE = json.dumps({"response": "Hi you", "model": "m1", "usage": COUNTS}).encode()


def ask(server: Upstream, messages: Any = HELLO, model: str = "", **options: Any) -> Any:
    options = {"url": server.url, "retries": 0, **options}
    return DynasparkAPI.create_async_generator(model, messages, **options)


def query(server: Upstream) -> dict[str, str]:
    url = urlsplit(server.seen[-1].path)
    assert url.path == "/api/generate_response"
    return dict(parse_qsl(url.query, keep_blank_values=True))


async def test_a_stream() -> None:
    async with upstream(answer(STREAM)) as server:
        chunks = [chunk async for chunk in ask(server)]
    assert chunks == ["Hi you", ServedBy("m1")]
    assert query(server) == {"user_input": "a&b=c+d é\n?#", "stream": "true"}


async def test_a_whole_answer_with_every_parameter() -> None:
    chat = [{"role": "system", "content": "be kind"}, *HELLO]
    async with upstream(answer(WHOLE)) as server:
        options = {"temperature": 0.5, "seed": 7, "private": True, "api_key": "k e y"}
        chunks = [chunk async for chunk in ask(server, chat, "m", stream=False, **options)]
    assert chunks == ["Hi you", ServedBy("m1"), Usage(1, 2)]
    assert server.seen[-1].header("authorization") == "Bearer k e y"
    assert query(server) == {
        "user_input": "a&b=c+d é\n?#",
        "api_key": "k e y",
        "model": "m",
        "system": "be kind",
        "temperature": "0.5",
        "seed": "7",
        "private": "true",
        "json": "true",
    }


async def test_text_is_handed_on_while_the_answer_arrives() -> None:
    gate = asyncio.Event()
    parts = [b'data: {"response": "one"}\n\n', b'data: {"response": "two"}\n\ndata: [DONE]\n\n']
    async with upstream(pieces(parts, gate)) as server:
        chunks = ask(server)
        assert await anext(chunks) == "one"
        gate.set()
        assert [chunk async for chunk in chunks] == ["two"]


@pytest.mark.parametrize("body", [STREAM, WHOLE, b"\xef\xbb\xbf" + STREAM, b"\n: hi\n\n" + STREAM])
def test_bytes_may_be_cut_anywhere(body: bytes) -> None:
    for at in range(len(body)):
        decoder = QueryDecoder()
        chunks = [*decoder.feed(body[:at]), *decoder.feed(body[at:]), *decoder.finish()]
        assert "".join(chunk for chunk in chunks if isinstance(chunk, str)) == "Hi you"
        assert ServedBy("m1") in chunks


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"<html>", "HTML"),
        (b"da", "not a JSON object"),
        (b'{"error": "no"}', "error: no"),
        (b'data: {"response": "a"}\n\n', "DONE"),
        (b'data: {"response": "a"}\n\ndata: {"error": "it broke"}\n\n', "it broke"),
        (b"data: [1]\n\n", "not a JSON object"),
        (b"data: rubbish\n\n", "not a JSON object"),
    ],
)
async def test_what_is_no_answer_is_an_error(body: bytes, said: str) -> None:
    async with upstream(answer(body)) as server:
        with pytest.raises(StreamError, match=said) as caught:
            [chunk async for chunk in ask(server)]
    assert caught.value.partial == ("a" if b'"a"' in body else "")


async def test_the_key_is_in_no_error() -> None:
    body = json.dumps({"error": "slow down"})
    async with upstream(answer(body, status=429)) as server:
        with pytest.raises(RateLimitError, match="slow down") as caught:
            [chunk async for chunk in ask(server, api_key="secret")]
        with pytest.raises(UsageError) as refused:
            [chunk async for chunk in ask(server, url="nonsense", api_key="secret")]
    assert "secret" not in f"{caught.value!r}{refused.value!r}"


async def test_what_the_wire_cannot_carry() -> None:
    lost: list[Loss] = []
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, *HELLO]
    async with upstream(answer(STREAM)) as server:
        [chunk async for chunk in ask(server, chat, top_k=1, losses=lost.extend)]
        with pytest.raises(UsageError, match="no pictures"):
            [chunk async for chunk in ask(server, media=[b"x"])]
    assert [(loss.kind, loss.name) for loss in lost] == [
        ("roles", "user"),
        ("roles", "assistant"),
        ("option", "top_k"),
    ]
