"""OpenAI's wire over real sockets: answers, events, and everything that may be wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from scripted import Scripted
from upstream import answer, delta, events, upstream

from aiodynaspark import (
    Delta,
    Facts,
    FinishReason,
    Model,
    Notice,
    RateLimitError,
    ServedBy,
    StreamError,
    Usage,
    UsageError,
    registry,
)
from aiodynaspark.providers.openai import OpenAI
from aiodynaspark.server import Catalog, Policy, running
from aiodynaspark.server.pictures import admit_pictures

HELLO = [{"role": "user", "content": "hello"}]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000000000500016082cb9f0000000049454e44ae426082"
)
PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
CHAT = "/v1/chat/completions"


@pytest.fixture
async def url() -> AsyncIterator[str]:
    Scripted.chunks, Scripted.asked, Scripted.closed = ["hello"], [], asyncio.Event()
    catalog = Catalog({"scripted": Model(Scripted), "echo": registry.find("echo")})
    async with running(catalog) as url:
        yield url


class Said:
    """One answer."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        data = [
            line.removeprefix("data: ")
            for line in self.body.decode().split("\n")
            if line.startswith("data: ")
        ]
        return [item if item == "[DONE]" else json.loads(item) for item in data]


async def post(url: str, path: str = CHAT, **kwargs: Any) -> Said:
    async with aiohttp.ClientSession() as session:
        async with session.post(url + path, **kwargs) as response:
            return Said(response, await response.read())


async def chat(url: str, messages: Any = HELLO, *, model: str = "scripted", **fields: Any) -> Said:
    return await post(url, json={"model": model, "messages": messages, **fields})


class TestChatCompletions:
    async def test_a_whole_answer(self, url: str) -> None:
        Scripted.chunks = [ServedBy("m1"), "hel", "lo", Usage(3, 2), FinishReason("length")]
        said = await chat(url, temperature=0.5, seed=None)
        assert said.status == 200
        assert said.json["object"] == "chat.completion"
        assert said.json["model"] == "m1"
        assert said.json["choices"] == [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "length",
            }
        ]
        assert said.json["usage"] == {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
        }
        assert "x-dynaspark-usage" not in said.headers
        asked = Scripted.asked[0]
        assert (asked["messages"], asked["temperature"], asked["stream"]) == (HELLO, 0.5, False)
        assert "seed" not in asked

    async def test_a_stream(self, url: str) -> None:
        Scripted.chunks = [ServedBy("m1"), "hel", "lo", FinishReason("stop"), Usage(3, 2)]
        said = await chat(url, stream=True, stream_options={"include_usage": True})
        assert said.headers["content-type"] == "text/event-stream"
        *pieces, usage, done = said.events
        assert done == "[DONE]"
        assert [piece["choices"][0]["delta"] for piece in pieces] == [
            {"role": "assistant", "content": ""},
            {"content": "hel"},
            {"content": "lo"},
            {},
        ]
        assert [piece["choices"][0]["finish_reason"] for piece in pieces] == [None] * 3 + ["stop"]
        assert all(piece["usage"] is None for piece in pieces)
        assert {piece["id"] for piece in pieces} == {usage["id"]}
        assert {piece["model"] for piece in pieces} == {"m1"}
        assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 5)

    async def test_the_usage_comes_only_where_it_is_asked_for(self, url: str) -> None:
        said = await chat(url, stream=True)
        assert all("usage" not in piece for piece in said.events[:-1])

    async def test_counts_that_nobody_gave_are_estimated_and_say_so(self, url: str) -> None:
        whole = await chat(url)
        assert whole.headers["x-dynaspark-usage"] == "estimated"
        assert whole.json["usage"]["total_tokens"] == 4
        stream = await chat(url, stream=True, stream_options={"include_usage": True})
        assert b"\n: x-dynaspark-usage: estimated\n" in stream.body

    async def test_events_come_while_the_model_speaks(self, url: str) -> None:
        gate = asyncio.Event()
        Scripted.chunks = ["one", gate, "two"]
        body = {"model": "scripted", "messages": HELLO, "stream": True}
        async with aiohttp.ClientSession() as session:
            async with session.post(url + CHAT, json=body) as response:
                first = await response.content.readuntil(b'"one"')
                assert b'"two"' not in first
                gate.set()
                assert b'"two"' in await response.read()

    async def test_text_is_text_whatever_it_holds(self, url: str) -> None:
        text = '"\\\n\r\0\u2028 \u2029 \x85 \x7f 🙂 data: x\n\n'
        Scripted.chunks = ["a", text, "\ud800"]
        said = await chat(url, stream=True)
        pieces = [piece["choices"][0]["delta"].get("content") for piece in said.events[:-1]]
        assert pieces == ["", "a", text, "\ufffd", None]
        assert len(said.body.decode().splitlines()) == said.body.count(b"\n")
        assert (await chat(url)).json["choices"][0]["message"]["content"] == f"a{text}\ufffd"

    async def test_everything_that_is_no_text(self, url: str) -> None:
        more = {"index": 0, "function": {"arguments": "1}"}}
        logprobs = {"content": [{"token": "x", "logprob": -1.0, "bytes": None}]}
        Scripted.chunks = [
            Delta(0, {"tool_calls": [{"index": 0, **CALL}]}),
            Delta(0, {"tool_calls": [more]}, logprobs),
            Delta(1, {"content": "b"}),
            Delta(1, {"refusal": "no"}, None, "stop"),
        ]
        first, second = (await chat(url)).json["choices"]
        call = {**CALL, "function": {"name": "f", "arguments": '{"a":1}'}}
        assert first["message"] == {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [call],
        }
        assert first["finish_reason"] == "tool_calls"
        assert first["logprobs"] == {**logprobs, "refusal": None}
        assert second["message"] == {"role": "assistant", "content": "b", "refusal": "no"}
        pieces = [piece["choices"][0] for piece in (await chat(url, stream=True)).events[:-1]]
        assert [(piece["index"], piece["delta"]) for piece in pieces] == [
            (0, {"role": "assistant", "content": ""}),
            (0, {"tool_calls": [{"index": 0, **CALL}]}),
            (0, {"tool_calls": [more]}),
            (1, {"role": "assistant", "content": ""}),
            (1, {"content": "b"}),
            (1, {"refusal": "no"}),
            (0, {}),
        ]
        assert [piece["finish_reason"] for piece in pieces[-2:]] == ["stop", "tool_calls"]

    @pytest.mark.parametrize("path", [CHAT, "/openai/chat/completions", "/openai" + CHAT])
    async def test_has_an_alias(self, url: str, path: str) -> None:
        said = await post(url, path, json={"model": "echo", "messages": HELLO})
        assert said.json["choices"][0]["message"]["content"] == "hello"

    async def test_what_is_not_understood_is_named(self, url: str) -> None:
        said = await chat(url, frobnicate=1, **{"тест, x": 2})
        assert said.headers["x-dynaspark-losses"] == (
            "option:frobnicate, option:%D1%82%D0%B5%D1%81%D1%82%2C%20x"
        )

    async def test_what_has_no_place_on_this_wire_comes_beside_it(self, url: str) -> None:
        facts = Facts("image/png", 3, 2, 69, text=("one", "two"), matches=(1,))
        Scripted.chunks = [facts, "hello", Notice("Mind this."), ServedBy("m2")]
        said = await chat(url, stream=True)
        *pieces, done = said.events
        assert done == "[DONE]"
        assert [piece["x_dynaspark"] for piece in pieces if "x_dynaspark" in piece] == [
            {
                "facts": {
                    "content_type": "image/png",
                    "width": 3,
                    "height": 2,
                    "size": 69,
                    "colours": [],
                    "text": ["one", "two"],
                    "matches": [1],
                }
            },
            {"notice": "Mind this."},
            {"model": "m2"},
        ]
        deltas = [choice["delta"] for piece in pieces for choice in piece["choices"]]
        assert len(deltas) == len(pieces)
        assert "".join(delta.get("content", "") for delta in deltas) == "hello"

    async def test_the_body_never_chooses_the_upstream(self, url: str) -> None:
        names = "api_base base_url headers api_key url api_endpoint transport proxy media extra"
        body = {"model": "scripted", "messages": HELLO}
        said = await post(url, json={**dict.fromkeys(names.split(), "http://evil.invalid"), **body})
        assert said.status == 200
        assert set(Scripted.asked[0]) == {"model", "messages", "media", "stream", "losses"}

    async def test_a_client_that_leaves_ends_the_ask(self, url: str) -> None:
        Scripted.chunks = ["one", asyncio.Event()]
        body = {"model": "scripted", "messages": HELLO, "stream": True}
        async with aiohttp.ClientSession() as session:
            response = await session.post(url + CHAT, json=body)
            await response.content.readuntil(b'"one"')
            response.close()
        await asyncio.wait_for(Scripted.closed.wait(), 10)


class TestPictures:
    async def test_reach_the_model(self, url: str) -> None:
        part = {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}
        chat_ = [{"role": "user", "content": [{"type": "text", "text": "what?"}, part]}]
        assert (await chat(url, chat_)).status == 200
        assert Scripted.asked[0]["messages"] == chat_

    @pytest.mark.parametrize(
        "address",
        [
            "http://127.0.0.1:1/a.png",
            "https://example.com/a.png",
            "HTTP://example.com",
            "file:///etc/passwd",
            "/etc/passwd",
            "a.png",
            "",
            "DATA:image/png;base64,iVBORw0KGgo=",
            "data:image/png;base64,AAAA",
            "data:image/png,hello",
            "data:image/svg+xml;base64,PHN2Zz4=",
        ],
    )
    async def test_others_are_refused_by_name(self, url: str, address: str) -> None:
        part = {"type": "image_url", "image_url": {"url": address}}
        said = await chat(url, [*HELLO, {"role": "user", "content": [part]}])
        assert said.status == 400
        assert said.json["error"]["param"] == "messages[1].content[0].image_url.url"
        assert not Scripted.asked

    async def test_what_was_fetched_takes_the_place_of_its_address(self) -> None:
        async def fetch(url: str) -> bytes:
            if "private" in url:
                raise UsageError("It cannot be fetched.")
            return PNG

        part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
        messages = [{"role": "user", "content": [part]}]
        await admit_pictures(messages, fetch)
        assert part["image_url"] == {"url": PICTURE}
        part["image_url"] = {"url": "http://private/"}
        with pytest.raises(UsageError) as caught:
            await admit_pictures(messages, fetch)
        assert caught.value.param == "messages[0].content[0].image_url.url"

    async def test_remote_ones_are_fetched_where_that_is_allowed(self) -> None:
        part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}
        catalog, policy = Catalog({"scripted": Model(Scripted)}), Policy(fetch_images=True)
        async with running(catalog, policy=policy) as url:
            said = await chat(url, [{"role": "user", "content": [part]}])
        assert said.status == 400
        assert "cannot be fetched" in said.json["error"]["message"]

    async def test_a_model_that_sees_nothing_says_so(self) -> None:
        class Blind(Scripted):
            supports_media = False

        part = {"type": "image_url", "image_url": {"url": PICTURE}}
        async with running(Catalog({"blind": Model(Blind)})) as url:
            said = await chat(url, [{"role": "user", "content": [part]}], model="blind")
        assert (said.status, said.json["error"]["param"]) == (400, "messages")


class TestErrors:
    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"model": None}, "model"),
            ({"model": 1}, "model"),
            ({"messages": None}, "messages"),
            ({"messages": []}, "messages"),
            ({"messages": "hi"}, "messages"),
            ({"messages": [1]}, "messages[0]"),
            ({"messages": [{"content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "user"}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]"),
            (
                {"messages": [{"role": "user", "content": [{"type": "x"}]}]},
                "messages[0].content[0].type",
            ),
            (
                {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
                "messages[0].content[0].text",
            ),
            (
                {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
                "messages[0].content[0].image_url",
            ),
            ({"temperature": "hot"}, "temperature"),
            ({"temperature": -1}, "temperature"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"n": 0}, "n"),
            ({"n": 1.5}, "n"),
            ({"stream": "yes"}, "stream"),
            ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
            ({"stop": [1]}, "stop[0]"),
            ({"tools": {}}, "tools"),
            ({"tools": [1]}, "tools[0]"),
            ({"logit_bias": [1]}, "logit_bias"),
            ({"response_format": "json"}, "response_format"),
            # What this model cannot do.
            ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
            ({"tool_choice": "required"}, "tool_choice"),
            ({"functions": [{"name": "f"}]}, "functions"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"n": 2}, "n"),
            ({"logprobs": True}, "logprobs"),
            ({"stop": "x"}, "stop"),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_wrong_field_is_named(
        self, url: str, change: dict[str, Any], param: str, stream: bool
    ) -> None:
        body = {"model": "scripted", "messages": HELLO, "stream": stream, **change}
        said = await post(url, json=body)
        assert said.status == 400
        error = said.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert (error["param"], error["type"]) == (param, "invalid_request_error")
        assert not Scripted.asked

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b"\xff",
            b'{"model": "\xff"}',
            b'{"model": NaN}',
            b'{"model": 1e999}',
            b"[" * 100_000,
            b'{"model":"scripted","messages":' + b"[" * 100 + b"]" * 100 + b"}",
            b'{"model":"scripted","messages":[{"role":"user","content":'
            + b'{"a":' * 100
            + b"1"
            + b"}" * 100
            + b"}]}",
        ],
        ids=range(12),
    )
    async def test_a_body_that_is_none(self, url: str, body: bytes) -> None:
        said = await post(url, data=body, headers={"content-type": "application/json"})
        assert (said.status, said.json["error"]["type"]) == (400, "invalid_request_error")

    async def test_an_unknown_model(self, url: str) -> None:
        said = await chat(url, model="gpt-9")
        assert said.status == 404
        error = said.json["error"]
        assert (error["param"], error["code"]) == ("model", "model_not_found")

    async def test_other_types_paths_and_methods(self, url: str) -> None:
        form = await post(url, data={"model": "scripted"})
        assert (form.status, set(form.json["error"])) == (
            415,
            {"message", "type", "param", "code"},
        )
        nowhere = await post(url, "/v1/nowhere", json={})
        assert (nowhere.status, "message" in nowhere.json["error"]) == (404, True)
        async with aiohttp.ClientSession() as session, session.get(url + CHAT) as response:
            assert response.status == 405
            assert (await response.json())["error"]["type"] == "invalid_request_error"

    async def test_a_rate_limit_says_when_to_come_back(self, url: str) -> None:
        Scripted.chunks = [RateLimitError("Slow down.", status=429, retry_after=7, code="rpm")]
        for stream in (False, True):
            said = await chat(url, stream=stream)
            assert (said.status, said.headers["retry-after"]) == (429, "7")
            assert said.json["error"] == {
                "message": "Slow down.",
                "type": "rate_limit_error",
                "param": None,
                "code": "rpm",
            }

    async def test_a_failure_in_mid_stream_is_one_event_and_the_end(self, url: str) -> None:
        Scripted.chunks = ["one", StreamError("It broke.")]
        said = await chat(url, stream=True)
        assert said.status == 200
        assert [set(event) & {"choices", "error"} for event in said.events] == [
            {"choices"},
            {"choices"},
            {"error"},
        ]
        assert said.events[-1]["error"]["message"] == "It broke."
        whole = await chat(url)
        assert (whole.status, whole.json["error"]["message"]) == (502, "It broke.")

    async def test_a_crash_tells_no_details(self, url: str) -> None:
        Scripted.chunks = [ZeroDivisionError("secret")]
        said = await chat(url, stream=True)
        assert said.status == 500
        assert b"secret" not in said.body


class TestRequestIds:
    async def test_every_answer_has_one(self, url: str) -> None:
        for said in (await chat(url), await chat(url, stream=True), await chat(url, model="x")):
            assert said.headers["x-request-id"].startswith("req_")
        form = await post(url, "/generate_response", data={"user_input": "x"})
        assert form.headers["x-request-id"].startswith("req_")
        assert (await post(url, "/nowhere")).headers["x-request-id"].startswith("req_")

    @pytest.mark.parametrize(
        ("asked", "kept"), [("abc-1.2:3", True), ("a b", False), ("x" * 129, False), ("é", False)]
    )
    async def test_a_clients_own_is_kept_where_it_is_harmless(
        self, url: str, asked: str, kept: bool
    ) -> None:
        said = await post(url, json={}, headers={"x-request-id": asked})
        assert (said.headers["x-request-id"] == asked) is kept


class TestModels:
    async def test_lists_the_catalog(self, url: str) -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/v1/models") as response:
                listed = await response.json()
            async with session.get(f"{url}/openai/v1/models/echo") as response:
                one = await response.json()
            async with session.get(f"{url}/v1/models/a/b") as response:
                assert response.status == 404
                assert (await response.json())["error"]["code"] == "model_not_found"
        assert listed["object"] == "list"
        assert [model["id"] for model in listed["data"]] == ["scripted", "echo"]
        assert one == listed["data"][1]


class TestResponses:
    async def respond(self, url: str, **fields: Any) -> Said:
        return await post(url, "/v1/responses", json={"model": "scripted", **fields})

    async def test_a_whole_answer(self, url: str) -> None:
        Scripted.chunks = ["hel", "lo", Usage(3, 2), FinishReason("stop")]
        said = await self.respond(
            url, input="hi", instructions="be kind", max_output_tokens=9, reasoning={}
        )
        assert said.json["status"] == "completed"
        assert said.json["output"][0]["content"][0]["text"] == "hello"
        assert said.json["usage"]["total_tokens"] == 5
        assert said.headers["x-dynaspark-losses"] == "option:reasoning"
        asked = Scripted.asked[0]
        assert asked["messages"] == [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
        ]
        assert asked["max_tokens"] == 9

    async def test_turns_and_pictures(self, url: str) -> None:
        turns = [
            {"role": "user", "content": "one"},
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_1",
                "status": "completed",
                "content": [{"type": "output_text", "text": "two", "annotations": []}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "three"},
                    {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
                ],
            },
        ]
        assert (await self.respond(url, input=turns)).status == 200
        assert Scripted.asked[0]["messages"] == [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "text", "text": "two"}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "three"},
                    {"type": "image_url", "image_url": {"url": PICTURE, "detail": "auto"}},
                ],
            },
        ]

    async def test_a_stream(self, url: str) -> None:
        Scripted.chunks = ["hel", "lo", FinishReason("length")]
        said = await self.respond(url, input="hi", stream=True)
        kinds = [event["type"].removeprefix("response.") for event in said.events]
        assert kinds == [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "incomplete",
        ]
        assert [event["sequence_number"] for event in said.events] == list(range(10))
        last = said.events[-1]["response"]
        assert last["incomplete_details"] == {"reason": "max_output_tokens"}
        assert last["output"][0]["content"][0]["text"] == "hello"

    async def test_an_empty_answer_is_whole_too(self, url: str) -> None:
        Scripted.chunks = []
        said = await self.respond(url, input="hi", stream=True)
        assert said.events[-1]["type"] == "response.completed"
        assert (await chat(url, stream=True)).events[-1] == "[DONE]"

    async def test_a_failure_in_mid_stream(self, url: str) -> None:
        Scripted.chunks = ["one", StreamError("It broke.")]
        last = (await self.respond(url, input="hi", stream=True)).events[-1]
        assert (last["type"], last["message"], last["error"]["message"]) == (
            "error",
            "It broke.",
            "It broke.",
        )

    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({}, "input"),
            ({"input": []}, "input"),
            ({"input": 1}, "input"),
            ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, None),
            ({"input": [{"type": "function_call", "call_id": "x"}]}, None),
            ({"input": "x", "tools": [{"type": "web_search"}]}, "tools"),
            ({"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
            ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "text.format"),
            ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ],
    )
    async def test_a_wrong_field_is_named(
        self, url: str, change: dict[str, Any], param: str | None
    ) -> None:
        said = await self.respond(url, **change)
        assert said.status == 400
        assert said.json["error"]["param"].startswith(param or "input[0]")
        assert not Scripted.asked


async def test_as_a_gateway_it_relays_what_shapes_an_answer() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    body = events(
        delta(message={"tool_calls": [{"index": 0, **CALL}]}),
        delta(message={"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
        delta(finish="tool_calls"),
    )
    async with upstream(answer(body)) as up:
        model = Model(OpenAI, "real", {"base_url": up.url, "api_key": "ours"})
        async with running(Catalog({"named": model})) as url:
            said = await chat(url, model="named", tools=tools, stream=True, n=1)
    sent = json.loads(up.seen[0].body)
    assert (sent["model"], sent["tools"]) == ("real", tools)
    assert up.seen[0].header("authorization") == "Bearer ours"
    deltas = [event["choices"][0]["delta"] for event in said.events[:-1]]
    assert deltas[1:3] == [
        {"tool_calls": [{"index": 0, **CALL}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]},
    ]
    assert said.events[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_an_upstream_that_dies_in_mid_stream_is_one_error_event() -> None:
    async with upstream(answer(events(delta("a"), done=False))) as up:
        model = Model(OpenAI, "real", {"base_url": up.url, "retries": 0})
        async with running(Catalog({"m": model})) as url:
            said = await chat(url, model="m", stream=True)
    assert "error" in said.events[-1]
    assert len(said.events) == 3
