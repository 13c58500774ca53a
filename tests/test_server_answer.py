"""The head and the framing of a model's answer, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import HttpVersion10, HttpVersion11, web
from raw import connect, hang_up, parse, post, say
from scripted import Scripted

from aiodynaspark import Model
from aiodynaspark.server import Catalog, Policy, make_app, running
from aiodynaspark.server.heads import render_head

APP = "https://app.example.com"
WHOLE = b'{"response":"one two","model":"scripted"}\n'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    Scripted.chunks, Scripted.closed = ["one ", "two"], asyncio.Event()
    policy = Policy(origins=frozenset({f"{APP}:443"}))
    async with running(Catalog({"scripted": Model(Scripted)}), policy=policy) as url:
        yield url


def ask(version: str = "1.1", *headers: str) -> bytes:
    """A request that says of the connection only what is given."""
    return (
        post(b"user_input=x", *headers)
        .replace(b"Connection: close\r\n", b"", 1)
        .replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    )


async def read_whole(reader: asyncio.StreamReader) -> bytes:
    """Read an answer by its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(parse(head).headers["content-length"]))


async def test_has_the_headers_of_all_answers(url: str) -> None:
    said = await say(url, post(b"user_input=x", f"Origin: {APP}", "X-Request-ID: mine"))
    sent = parsedate_to_datetime(said.headers.pop("date"))
    assert said.headers == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "server": "aiodynaspark",
        "x-content-type-options": "nosniff",
        "x-request-id": "mine",
        "vary": "Origin",
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "*",
        "content-length": str(len(WHOLE)),
        "connection": "close",
    }
    refused = await say(url, post(b"", path="/generate_response"))
    asked = parsedate_to_datetime(refused.headers["date"])
    assert 0 <= (asked - sent).total_seconds() < 60
    assert {*refused.headers} >= {"server", "x-content-type-options", "x-request-id", "vary"}


async def test_a_connection_is_kept_from_whole_answer_to_whole_answer(url: str) -> None:
    reader, writer = await connect(url)
    for _ in range(3):
        writer.write(ask())
        said = parse(await read_whole(reader))
        assert said.body == WHOLE
        assert "connection" not in said.headers
    writer.write(ask("1.1", "Connection: close"))
    last = parse(await reader.read())
    assert (last.body, last.headers["connection"]) == (WHOLE, "close")
    await hang_up(writer)


async def test_a_connection_is_kept_after_a_stream(url: str) -> None:
    reader, writer = await connect(url)
    for _ in range(2):
        gate = asyncio.Event()
        Scripted.chunks = ["one ", gate, "two"]
        writer.write(ask())
        head = parse(await reader.readuntil(b"\r\n\r\n"))
        assert head.headers["transfer-encoding"] == "chunked"
        assert not {"content-length", "connection"} & {*head.headers}
        gate.set()
        assert (await reader.readuntil(b"\r\n0\r\n\r\n")).count(b"\r\n") == 6
    await hang_up(writer)


async def test_an_old_client_is_asked_to_read_to_the_end_of_a_stream(url: str) -> None:
    for kept in ((), ("Connection: keep-alive",)):
        gate = asyncio.Event()
        Scripted.chunks = ["one ", gate, "two"]
        reader, writer = await connect(url)
        writer.write(ask("1.0", *kept))
        head = await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(17) == WHOLE[:17]
        gate.set()
        said = parse(head + WHOLE[:17] + await reader.read())
        assert said.raw.startswith(b"HTTP/1.0 200 OK\r\n")
        assert said.body == WHOLE
        assert said.headers["connection"] == "close"
        assert not {"content-length", "transfer-encoding"} & {*said.headers}
        await hang_up(writer)


async def test_an_old_client_may_keep_its_connection_after_a_whole_answer(url: str) -> None:
    reader, writer = await connect(url)
    for _ in range(2):
        writer.write(ask("1.0", "Connection: keep-alive"))
        said = parse(await read_whole(reader))
        assert (said.body, said.headers["connection"]) == (WHOLE, "keep-alive")
    writer.write(ask("1.0"))
    last = parse(await reader.read())
    assert (last.body, last.headers["connection"]) == (WHOLE, "close")
    await hang_up(writer)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\n", "a\0", "a\x7f", "a\x85", "a\u2028"])
def test_no_value_can_end_its_header(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        render_head(HttpVersion11, "text/plain", {"x-request-id": value})


def test_a_head_is_ascii() -> None:
    with pytest.raises(ValueError, match="ascii"):
        render_head(HttpVersion11, "text/plain", {"x-request-id": "\u0434"})
    head = render_head(HttpVersion10, "text/plain", {"x-request-id": "a b"})
    assert head.startswith(b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n")
    assert b"\r\nx-request-id: a b\r\ndate: " in head
    assert head.endswith(b" GMT\r\n\r\n")


async def test_an_application_under_another_server_answers_as_well() -> None:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, later.set)
    Scripted.chunks, Scripted.closed = ["one ", later, "two"], asyncio.Event()
    runner = web.AppRunner(make_app(Catalog({"scripted": Model(Scripted)})))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        _, port = runner.addresses[0][:2]
        said = await say(f"http://127.0.0.1:{port}", post(b"user_input=x"))
    finally:
        await runner.cleanup()
    assert said.status == 200
    assert b'{"response":"one ' in said.body
    assert said.body.endswith(b"0\r\n\r\n")
