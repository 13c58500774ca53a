"""The query wire over real sockets, asked by hand and by our own client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from scripted import Scripted

from aiodynaspark import Model, RateLimitError, ServedBy, StreamError, Usage, registry
from aiodynaspark.providers.dynaspark_api import DynasparkAPI
from aiodynaspark.server import Catalog, running

ROUTE = "/api/generate_response"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    Scripted.chunks, Scripted.asked, Scripted.closed = ["hello"], [], asyncio.Event()
    async with running(Catalog({"m": Model(Scripted), "echo": registry.find("echo")})) as url:
        yield url


async def get(url: str, path: str = ROUTE, **query: str) -> tuple[int, Any, str]:
    async with aiohttp.ClientSession() as session:
        async with session.get(url + path, params=query) as response:
            return response.status, response.headers, await response.text()


async def test_a_plain_answer_has_the_text_alone(url: str) -> None:
    status, headers, body = await get(url, user_input="hi", json="False")
    assert (status, json.loads(body)) == (200, {"response": "hello"})
    assert headers["x-ratelimit-limit"] == "256"
    assert 0 < int(headers["x-ratelimit-remaining"]) <= 256
    assert abs(int(headers["x-ratelimit-reset"]) - time.time()) < 60


async def test_a_head_asks_no_model(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        for path in (ROUTE, "/api/generate_image"):
            async with session.head(url + path, params={"user_input": "hi"}) as response:
                assert (response.status, response.headers["allow"]) == (405, "GET")
    assert not Scripted.asked


async def test_json_tells_more(url: str) -> None:
    Scripted.chunks = [ServedBy("m1"), "hello", Usage(3, 2)]
    _, _, body = await get(url, user_input="hi", json="true")
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert json.loads(body) == {"response": "hello", "model": "m1", "usage": counts}
    Scripted.chunks = ["hello"]
    _, headers, _ = await get(url, user_input="hi", json="1")
    assert headers["x-dynaspark-usage"] == "estimated"


async def test_parameters_reach_the_model(url: str) -> None:
    query = {"temperature": "0.5", "seed": "7", "system": "be kind", "api_key": "any", "x": "y"}
    status, _, _ = await get(url, user_input="hi", model="no such", **query)
    asked = Scripted.asked[0]
    assert status == 200
    assert (asked["temperature"], asked["seed"], asked["stream"]) == (0.5, 7, False)
    assert asked["messages"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
    ]
    assert "api_key" not in asked


async def test_our_client_speaks_to_our_server(url: str) -> None:
    Scripted.chunks = [ServedBy("m1"), "hel", "lo", Usage(3, 2)]
    messages = [{"role": "user", "content": "hi"}]
    for stream in (True, False):
        chunks = DynasparkAPI.create_async_generator("m", messages, url=url, stream=stream)
        found = [chunk async for chunk in chunks]
        text = "".join(chunk for chunk in found if isinstance(chunk, str))
        assert (text, found[-2:]) == ("hello", [ServedBy("m1"), Usage(3, 2)])


async def test_a_failure_in_mid_stream_is_one_event_and_the_end(url: str) -> None:
    Scripted.chunks = ["one", StreamError("It broke.")]
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(StreamError, match=r"It broke\.") as caught:
        [chunk async for chunk in DynasparkAPI.create_async_generator("m", messages, url=url)]
    assert caught.value.partial == "one"
    _, _, body = await get(url, user_input="hi", stream="true")
    assert body.endswith('data: {"error":"It broke."}\n\n')


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"user_input": " "}, 400),
        ({"user_input": "x", "temperature": "hot"}, 400),
        ({"user_input": "x", "temperature": "nan"}, 400),
        ({"user_input": "x", "top_p": "inf"}, 400),
        ({"user_input": "x", "seed": "1.5"}, 400),
        ({"user_input": "x", "stream": "maybe"}, 400),
        ({"user_input": "x", "voice": "alloy"}, 501),
    ],
)
async def test_what_cannot_be_done_is_an_error(
    url: str, query: dict[str, str], status: int
) -> None:
    got, headers, body = await get(url, **query)
    assert got == status
    assert list(json.loads(body)) == ["error"]
    assert "x-ratelimit-limit" in headers


async def test_pictures_are_not_made_here(url: str) -> None:
    status, _, body = await get(url, "/api/generate_image", user_input="a cat")
    assert (status, list(json.loads(body))) == (501, ["error"])


async def test_a_rate_limit_is_passed_on(url: str) -> None:
    Scripted.chunks = [RateLimitError("Slow down.", status=429, retry_after=3)]
    status, headers, body = await get(url, user_input="x", stream="true")
    assert (status, headers["retry-after"], json.loads(body)) == (429, "3", {"error": "Slow down."})
