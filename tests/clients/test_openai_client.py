"""The official ``openai`` package against our server."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from scripted import Scripted
from upstream import Upstream, answer, delta, events

from aiodynaspark import FinishReason, StreamError, Usage

pytestmark = pytest.mark.clients

HELLO = [{"role": "user", "content": "hello there"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":'}}
TOOL_STREAM = events(
    delta(message={"role": "assistant", "tool_calls": [{"index": 0, **CALL}]}),
    delta(message={"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
    delta(finish="tool_calls"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}},
)


async def test_chat(ask_openai: Any) -> None:
    said = await ask_openai("""
        answer = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "hello there"}], temperature=0.1
        )
        print(answer.to_json())
    """)
    assert said["choices"][0]["message"]["content"] == "hello there"
    assert said["usage"]["total_tokens"] == 4


async def test_stream(ask_openai: Any) -> None:
    said = await ask_openai("""
        stream = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "hello there"}],
            stream=True, stream_options={"include_usage": True},
        )
        print(json.dumps([chunk.to_dict() for chunk in stream]))
    """)
    texts = [chunk["choices"][0]["delta"].get("content") for chunk in said[:-1]]
    assert texts == ["", "hello ", "there", None]
    assert said[-1]["usage"]["completion_tokens"] == 2


async def test_the_stream_helper(ask_openai: Any) -> None:
    said = await ask_openai("""
        with client.chat.completions.stream(
            model="echo", messages=[{"role": "user", "content": "hello there"}]
        ) as stream:
            print(stream.get_final_completion().to_json())
    """)
    assert said["choices"][0]["message"]["content"] == "hello there"


async def test_pictures(ask_openai: Any, upstream_server: Upstream) -> None:
    picture = (
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
        "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    upstream_server.script = [answer(events(delta("a dot", finish="stop")))]
    said = await ask_openai(f"""
        picture = {{"type": "image_url", "image_url": {{"url": {picture!r}}}}}
        text = {{"type": "text", "text": "what is it?"}}
        stream = client.chat.completions.create(
            model="gateway", messages=[{{"role": "user", "content": [text, picture]}}], stream=True
        )
        print(json.dumps("".join(c.choices[0].delta.content or "" for c in stream)))
    """)
    assert said == "a dot"
    sent = json.loads(upstream_server.seen[0].body)
    assert sent["messages"][0]["content"][1]["image_url"]["url"] == picture


TOOLS = """
        tools = [{"type": "function", "function": {
            "name": "add", "parameters": {"type": "object", "properties": {}}}}]
        asked = dict(model="gateway", tools=tools, tool_choice="required",
                     messages=[{"role": "user", "content": "add"}])
"""


async def test_tools_of_an_upstream(ask_openai: Any, upstream_server: Upstream) -> None:
    call = {**CALL, "function": {"name": "add", "arguments": '{"a":1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    upstream_server.script = [answer(json.dumps({"model": "real", "choices": [choice]}))]
    said = await ask_openai(
        TOOLS
        + """
        print(client.chat.completions.create(**asked).to_json())
        """
    )
    assert said["choices"][0]["message"]["tool_calls"] == [call]
    assert said["choices"][0]["finish_reason"] == "tool_calls"
    sent = json.loads(upstream_server.seen[0].body)
    assert sent["tools"][0]["function"]["name"] == "add"
    assert sent["tool_choice"] == "required"


async def test_tools_of_an_upstream_as_a_stream(ask_openai: Any, upstream_server: Upstream) -> None:
    upstream_server.script = [answer(TOOL_STREAM)]
    said = await ask_openai(
        TOOLS
        + """
        with client.chat.completions.stream(**asked) as stream:
            call = stream.get_final_completion().choices[0].message.tool_calls[0]
            print(json.dumps([call.function.name, call.function.arguments]))
        """
    )
    assert said == ["add", '{"a":1}']


async def test_responses(ask_openai: Any) -> None:
    said = await ask_openai("""
        whole = client.responses.create(model="echo", input="hello there", instructions="be kind")
        with client.responses.stream(model="echo", input="hello there") as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        print(json.dumps([whole.output_text, final.output_text, kinds[0], kinds[-1]]))
    """)
    assert said == ["hello there"] * 2 + ["response.created", "response.completed"]


async def test_models(ask_openai: Any) -> None:
    said = await ask_openai("""
        listed = [model.id for model in client.models.list()]
        print(json.dumps([*listed, client.models.retrieve("echo").id]))
    """)
    assert said == ["echo", "scripted", "gateway", "echo"]


async def test_raw_responses(ask_openai: Any) -> None:
    said = await ask_openai("""
        raw = client.chat.completions.with_raw_response.create(
            model="echo", messages=[{"role": "user", "content": "hi"}],
            extra_headers={"x-request-id": "mine-1"},
        )
        print(json.dumps([raw.status_code, raw.headers["x-request-id"], raw.parse()._request_id]))
    """)
    assert said == [200, "mine-1", "mine-1"]


async def test_errors(ask_openai: Any) -> None:
    Scripted.chunks = ["one", StreamError("It broke.")]
    said = await ask_openai("""
        hello = [{"role": "user", "content": "hi"}]
        found = []
        for fields in (
            dict(model="nothing", messages=hello),
            dict(model="echo", messages=hello, n=2),
            dict(model="scripted", messages=hello),
            dict(model="scripted", messages=hello, stream=True),
        ):
            try:
                list(client.chat.completions.create(**fields))
            except openai.APIError as error:
                found.append([type(error).__name__, error.param, error.message])
        try:
            list(client.responses.create(model="scripted", input="hi", stream=True))
        except openai.APIError as error:
            found.append([type(error).__name__, error.param, error.message])
        print(json.dumps(found))
    """)
    assert [found[:2] for found in said] == [
        ["NotFoundError", "model"],
        ["BadRequestError", "n"],
        ["InternalServerError", None],
        ["APIError", None],
        ["APIError", None],
    ]
    assert [found[2] for found in said[3:]] == ["It broke."] * 2


CHECK = """
    import json, sys
    from pydantic import BaseModel, TypeAdapter
    from openai.types import Model
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response, ResponseStreamEvent

    TYPES = dict(
        chat=ChatCompletion, chunk=ChatCompletionChunk, response=Response,
        event=ResponseStreamEvent, model=Model,
    )

    def strays(value):
        if isinstance(value, BaseModel):
            yield from value.model_extra or ()
            for name in type(value).model_fields:
                yield from strays(getattr(value, name))
        elif isinstance(value, list):
            for item in value:
                yield from strays(item)

    for line in sys.stdin:
        kind, value = json.loads(line)
        checked = TypeAdapter(TYPES[kind]).validate_json(json.dumps(value), strict=True)
        assert not list(strays(checked)), (value, list(strays(checked)))
    print("valid")
"""
"""Checks strictly, with the types that are generated from OpenAI's published schema."""


def bodies() -> list[tuple[str, str, dict[str, Any]]]:
    """What to ask: the kind of the answers, the route, and the body."""
    chat = "/v1/chat/completions"
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    turn = {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    told = {"instructions": "x", "max_output_tokens": 9, "metadata": {"a": "b"}, "temperature": 1}
    return [
        *(("chat", chat, {"model": name, "messages": HELLO}) for name in ("echo", "scripted")),
        *(("chunk", chat, {"model": "echo", "messages": HELLO, **more}) for more in (usage,)),
        ("chunk", chat, {"model": "scripted", "messages": HELLO, "stream": True}),
        ("chunk", chat, {"model": "gateway", "messages": HELLO, "n": 2, "logprobs": True, **usage}),
        ("response", "/v1/responses", {"model": "scripted", "input": [turn], **told}),
        ("event", "/v1/responses", {"model": "echo", "input": "hi", "stream": True}),
        ("event", "/v1/responses", {"model": "scripted", "input": "hi", "stream": True}),
    ]


async def test_every_answer_and_event_is_of_the_published_types(
    run: Any, url: str, upstream_server: Upstream
) -> None:
    logprob = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    first = delta("a", logprobs={"content": [logprob]})
    more = [delta("b", index=1), delta(index=1, finish="stop"), delta(finish="stop")]
    upstream_server.script = [answer(events(first, *more))]
    Scripted.chunks = ["hello", Usage(1, 2), FinishReason("length")]
    found: list[tuple[str, Any]] = []
    async with aiohttp.ClientSession() as session:
        for kind, route, body in bodies():
            async with session.post(url + route, json=body) as response:
                assert response.status == 200
                text = await response.text()
            lines = text.split("\n") if body.get("stream") else [f"data: {text}"]
            data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
            found += [(kind, json.loads(item)) for item in data if item != "[DONE]"]
        async with session.get(f"{url}/v1/models/echo") as response:
            found.append(("model", await response.json()))
    assert len(found) > 30
    stdin = "\n".join(json.dumps(item) for item in found).encode()
    assert await run(CHECK, stdin=stdin) == "valid\n"
