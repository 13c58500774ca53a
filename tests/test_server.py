"""The server over real sockets, asked by our own client and by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from raw import connect, hang_up, say
from raw import post as post_raw
from scripted import Scripted

from aiodynaspark import (
    Chunk,
    Dynaspark,
    Facts,
    Model,
    Notice,
    RateLimitError,
    ResponseError,
    ServedBy,
    StreamError,
    UsageError,
    registry,
)
from aiodynaspark.server import Catalog, running

HELLO = [{"role": "user", "content": "hello"}]
FACTS = Facts("image/png", 1, 1, 69, text=("one", "two"), matches=(1,))
# A whole 1 x 1 picture.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0"
    "f01f0005000 1ff8956ca20 0000000049454e44ae426082".replace(" ", "")
)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    Scripted.chunks, Scripted.closed = ["hello"], asyncio.Event()
    catalog = Catalog({"scripted": Model(Scripted), "echo": registry.find("echo")})
    async with running(catalog) as url:
        yield url


async def post(url: str, **kwargs: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/generate_response", **kwargs) as response:
            return response.status, json.loads(await response.read())


async def collect(url: str, **kwargs: Any) -> list[Chunk]:
    return [chunk async for chunk in Dynaspark.create_async_generator("", HELLO, url=url, **kwargs)]


class TestTheFormWire:
    async def test_answers_both_body_types(self, url: str) -> None:
        wanted = {"response": "hello", "model": "scripted"}
        assert await post(url, data={"user_input": "x", "ai_model": "any"}) == (200, wanted)
        form = aiohttp.FormData({"user_input": "x"})
        form.add_field("file", PNG, filename="a.png", content_type="image/png")
        assert await post(url, data=form) == (200, wanted)

    async def test_serves_every_model_name(self, url: str) -> None:
        assert await Dynaspark.create_async("echo", HELLO, url=url) == "hello"
        Scripted.chunks = ["default"]
        assert await Dynaspark.create_async("no-such", HELLO, url=url) == "default"

    async def test_sends_text_while_the_model_still_thinks(self, url: str) -> None:
        gate = asyncio.Event()
        Scripted.chunks = ["first ", gate, "second"]
        heard = []
        async for chunk in Dynaspark.create_async_generator("", HELLO, url=url):
            heard.append(chunk)
            gate.set()
        assert heard == ["first ", "second", ServedBy("scripted")]

    async def test_what_comes_in_one_step_leaves_in_one_piece(self, url: str) -> None:
        gate = asyncio.Event()
        Scripted.chunks = ["one ", "two ", gate, "three"]
        reader, writer = await connect(url)
        writer.write(post_raw())
        await reader.readuntil(b"\r\n\r\n")
        first = b'{"response":"one two '
        assert await reader.readuntil(first) == b"%x\r\n%s" % (len(first), first)
        gate.set()
        last = b'three","model":"scripted"}\n'
        assert await reader.read() == b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(last), last)
        await hang_up(writer)

    async def test_what_never_waits_has_its_length(self, url: str) -> None:
        Scripted.chunks = ["one ", "two"]
        said = await say(url, post_raw())
        assert said.body == b'{"response":"one two","model":"scripted"}\n'
        assert said.headers["content-length"] == str(len(said.body))
        assert "transfer-encoding" not in said.headers

    async def test_sends_facts_first_and_the_rest_at_the_end(self, url: str) -> None:
        Scripted.chunks = [FACTS, Notice("mind this"), ServedBy("other"), 'say "hé"\n\ud800']
        assert await collect(url) == [
            FACTS,
            'say "hé"\n\ufffd',
            ServedBy("other"),
            Notice("mind this"),
        ]

    async def test_an_empty_answer_is_one(self, url: str) -> None:
        Scripted.chunks = []
        assert await post(url, data={"user_input": "x"}) == (
            200,
            {"response": "", "model": "scripted"},
        )

    async def test_the_status_waits_for_the_first_piece(self, url: str) -> None:
        limited = RateLimitError("Slow down.", status=429, retry_after=7)
        Scripted.chunks = [limited]
        async with aiohttp.ClientSession() as session:
            form = {"user_input": "x"}
            async with session.post(f"{url}/generate_response", data=form) as response:
                assert (response.status, response.headers["retry-after"]) == (429, "7")
                assert await response.json() == {"error": "Slow down."}

    async def test_a_failure_in_the_middle_ends_the_object(self, url: str) -> None:
        Scripted.chunks = ["so far", ResponseError("Upstream broke.", status=400)]
        assert await post(url, data={"user_input": "x"}) == (
            200,
            {"response": "so far", "model": "scripted", "error": "Upstream broke."},
        )
        with pytest.raises(StreamError, match="Upstream broke") as caught:
            await collect(url)
        assert caught.value.partial == "so far"

    @pytest.mark.parametrize(
        "chunks", [[ZeroDivisionError("secret")], ["a", ZeroDivisionError("secret")]]
    )
    async def test_a_crash_tells_no_details(
        self, url: str, chunks: list[Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        Scripted.chunks = chunks
        _, said = await post(url, data={"user_input": "x"})
        assert "secret" not in json.dumps(said)
        assert said["error"].startswith("The model failed")
        assert "ZeroDivisionError" in caplog.text
        assert "secret" not in caplog.text

    async def test_a_client_that_leaves_ends_the_model(self, url: str) -> None:
        Scripted.chunks = ["first", asyncio.Event()]
        async for _ in Dynaspark.create_async_generator("", HELLO, url=url):
            break
        await Scripted.closed.wait()

    @pytest.mark.parametrize(
        ("kwargs", "says"),
        [
            ({"data": {"ai_model": "x"}}, "user_input"),
            ({"json": {"user_input": "x"}}, "takes a form"),
            (
                {
                    "data": b"a=" + b"&a=" * 200,
                    "headers": {"content-type": "application/x-www-form-urlencoded"},
                },
                "fields",
            ),
            (
                {
                    "data": b"nonsense",
                    "headers": {"content-type": "multipart/form-data; boundary=x"},
                },
                "malformed",
            ),
            (
                {"data": b"nonsense", "headers": {"content-type": "multipart/form-data"}},
                "malformed",
            ),
        ],
        ids=["no prompt", "json", "many fields", "bad multipart", "no boundary"],
    )
    async def test_bad_forms_are_named(self, url: str, kwargs: dict[str, Any], says: str) -> None:
        status, said = await post(url, **kwargs)
        assert status == 400
        assert says in said["error"]

    @pytest.mark.parametrize(
        "data", [b"", b"%PDF-1.7", b"<svg/>", PNG[:20]], ids=["empty", "pdf", "svg", "cut"]
    )
    async def test_what_is_no_picture_is_refused(self, url: str, data: bytes) -> None:
        form = aiohttp.FormData({"user_input": "x"})
        form.add_field("file", data, filename="a.png", content_type="image/png")
        status, said = await post(url, data=form)
        assert status == 400
        assert list(said) == ["error"]

    async def test_two_pictures_are_one_too_many(self, url: str) -> None:
        form = aiohttp.FormData({"user_input": "x"})
        for _ in range(2):
            form.add_field("file", PNG, filename="a.png", content_type="image/png")
        status, said = await post(url, data=form)
        assert (status, "one picture" in said["error"]) == (400, True)


class TestHealth:
    async def test_says_what_it_is(self, url: str) -> None:
        async with aiohttp.ClientSession() as session:
            for path in ("/health", "/healthz"):
                async with session.get(url + path) as response:
                    said = await response.json()
                    assert (response.status, said["status"], said["name"]) == (
                        200,
                        "ok",
                        "aiodynaspark",
                    )
            async with session.get(f"{url}/readyz") as response:
                assert response.status == 200

    async def test_is_not_ready_while_the_model_is_not(self) -> None:
        class Broken(Scripted):
            @classmethod
            async def open(cls, **options: Any) -> None:
                raise UsageError("No weights here.")

        async with (
            running(Catalog({"broken": Model(Broken)})) as url,
            aiohttp.ClientSession() as session,
        ):
            async with session.get(f"{url}/readyz") as response:
                assert response.status == 503
                assert (await response.json())["error"] in (
                    "No weights here.",
                    "The model is being opened; try again in a moment.",
                )


async def test_a_port_in_use_is_one_sentence() -> None:
    catalog = Catalog({"echo": registry.find("echo")})
    async with running(catalog) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"Port {port} on 127.0.0.1 is in use"):
            async with running(catalog, port=port):
                pass


def test_a_server_needs_a_model() -> None:
    with pytest.raises(UsageError, match="at least one model"):
        Catalog({})
