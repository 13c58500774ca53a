"""The short way through aiohttp: known releases alone, and the same as the public way outside."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from upstream import answer, hold, pieces, raw_server, upstream
from yarl import URL

from aiodynaspark import Dynaspark, ResponseError, StreamError, TransportError, TransportTimeout
from aiodynaspark._inflate import accept_encoding
from aiodynaspark.transport import Transport, fast_lane
from aiodynaspark.transport.deadline import Deadline
from aiodynaspark.transport.fast_lane import FastLane
from aiodynaspark.transport.line import Reply

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
CHANGED = (
    f"aiohttp {aiohttp.__version__} is not a release that transport/fast_lane.py knows: compare "
    "the calls it makes, run all tests with it, then add it to TESTED. Until then every request "
    "goes the public way, which is right but slower."
)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.aclose()


async def ask(url: str, transport: Transport, **options: object) -> str:
    return await Dynaspark.create_async("", HELLO, url=url, transport=transport, **options)


def went_the_short_way(transport: Transport) -> bool:
    return any(ways._lane is not None for ways in transport._ways.values())


def test_the_installed_aiohttp_is_known() -> None:
    assert fast_lane.KNOWN, CHANGED


async def test_a_usual_request_goes_the_short_way(transport: Transport) -> None:
    async with upstream(answer()) as server:
        assert await ask(server.url, transport) == "hello"
    assert went_the_short_way(transport)


@pytest.mark.parametrize(
    "options",
    [
        {"media": [(PNG, "a.png")]},
        {"form": {"more": "x" * fast_lane.LARGEST_BODY}},
        {"headers": {"Cookie": "a=b"}},
        {"headers": {"Host": "elsewhere.example"}},
    ],
    ids=["a picture", "a large form", "a cookie", "a host of the caller's"],
)
async def test_an_unusual_one_goes_the_public_way(
    transport: Transport, options: dict[str, object]
) -> None:
    async with upstream(answer()) as server:
        assert await ask(server.url, transport, **options) == "hello"
    assert not went_the_short_way(transport)


async def test_credentials_in_the_url_and_proxies_go_the_public_way(transport: Transport) -> None:
    async with upstream(answer()) as server:
        named = server.url.replace("//", "//user:word@")
        await ask(named, transport)
        assert server.seen[0].header("authorization") == "Basic dXNlcjp3b3Jk"
        await ask("http://somewhere.example", transport, proxy=server.url)
        assert server.seen[1].header("host") == "somewhere.example"
    assert not went_the_short_way(transport)


async def test_the_server_sees_the_same_either_way(way: str) -> None:
    async with upstream(answer()) as server:
        await Dynaspark.create_async(
            "",
            HELLO,
            api_endpoint=f"{server.url}/a%20path?with=a%20query#and-a-fragment",
            headers={"X-Name": "Grüße"},
            api_key="secret",
        )
        host = server.url.removeprefix("http://")
    (seen,) = server.seen
    assert seen.path == "/a%20path?with=a%20query"
    assert seen.body == b"user_input=hello&ai_model=gemini-1.5-flash"
    assert len(seen.headers.pop("idempotency-key")) == 32
    assert seen.headers.pop("user-agent").startswith("Mozilla/5.0 (compatible; aiodynaspark/")
    assert seen.headers == {
        "host": host,
        "accept": "*/*",
        "accept-encoding": accept_encoding(),
        "accept-language": "en-US,en;q=0.9",
        "authorization": "Bearer secret",
        "content-length": "42",
        "content-type": "application/x-www-form-urlencoded",
        "origin": server.url,
        "referer": f"{server.url}/",
        "x-name": "Grüße",
        "x-requested-with": "XMLHttpRequest",
    }


async def test_connections_are_kept(way: str, transport: Transport) -> None:
    async with upstream(
        answer(), answer(status=400), pieces([b'{"response":"a', b'b"}'])
    ) as server:
        await ask(server.url, transport)
        with pytest.raises(ResponseError):
            await ask(server.url, transport)
        assert await ask(server.url, transport) == "ab"
        assert len(server.connections) == 1


@asynccontextmanager
async def hanging_up_on_the_second() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that takes a second request over its first connection, and then hangs up."""
    asked: list[bytes] = []
    body = b'{"response": "hello"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head + body)
        if len(asked) == 1:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    server.close()
    await server.wait_closed()


async def test_a_stale_connection_costs_no_attempt(way: str, transport: Transport) -> None:
    async with hanging_up_on_the_second() as (url, asked):
        assert await ask(url, transport, retries=0) == "hello"
        assert await ask(url, transport, retries=0) == "hello"
    assert len(asked) == 3
    assert transport.retries == 0


async def test_what_came_unasked_answers_nobody(transport: Transport) -> None:
    body = b'{"response": "hello"}'
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    stray = reply.replace(b"hello", b"stray")
    unasked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await unasked.wait()
        writer.write(stray)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert await ask(url, transport) == "hello"
    unasked.set()
    await until(lambda: "0 idle" in repr(transport))
    assert await ask(url, transport) == "hello"
    await transport.aclose()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("raw", [b"\0\1\2\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n"])
async def test_what_is_no_http_is_a_transport_error(
    way: str, transport: Transport, raw: bytes
) -> None:
    async with raw_server(raw) as url:
        with pytest.raises(TransportError, match="HTTP"):
            await ask(url, transport, retries=0)
    assert not in_use(transport)


async def test_interim_answers_are_passed_over(way: str, transport: Transport) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"response": "a"}'
    async with raw_server(interim + final) as url:
        assert await ask(url, transport) == "a"


async def test_a_body_that_is_cut_is_an_error(way: str, transport: Transport) -> None:
    async with upstream(pieces([b'{"response": "a', b"b"], cut=True)) as server:
        with pytest.raises(StreamError) as caught:
            await ask(server.url, transport, retries=0)
    assert caught.value.partial == "ab"


async def test_redirects_are_followed(way: str, transport: Transport) -> None:
    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with upstream(moved, answer()) as server:
        assert await ask(server.url, transport) == "hello"
        assert [seen.path for seen in server.seen] == ["/generate_response", "/elsewhere"]


async def test_a_passed_deadline_closes_the_connection(way: str, transport: Transport) -> None:
    async with upstream(hold()) as server:
        with pytest.raises(TransportTimeout):
            await ask(server.url, transport, timeout=0.05, retries=0)
        await until(lambda: not server.open_connections())
    assert not in_use(transport)


async def test_a_cancelled_call_closes_the_connection(way: str, transport: Transport) -> None:
    async with upstream(hold()) as server:
        task = asyncio.create_task(ask(server.url, transport))
        await until(lambda: bool(server.seen))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not server.open_connections())
    assert not in_use(transport)


async def test_a_cancelled_call_whose_answer_is_there_closes_nobody_elses(
    transport: Transport,
) -> None:
    async with upstream(answer(), hold()) as server:
        lane = transport.ways_to(URL(server.url), None)[0].lane
        url = URL(server.url + "/generate_response")
        first = asyncio.create_task(awaited(lane.post(url, b"", b"", minute(transport))))
        await until(lambda: lane.idle() == 1)  # its answer is whole, but it does not know yet
        first.cancel()
        second = asyncio.create_task(awaited(lane.post(url, b"", b"", minute(transport))))
        await until(lambda: len(server.seen) == 2)
        assert first.cancelled()
        assert not second.done()
        assert len(server.connections) == server.open_connections() == 1
        second.cancel()


async def awaited(reply: Awaitable[Reply]) -> Reply:
    return await reply


def minute(transport: Transport) -> Deadline:
    return Deadline(60, "the server", stream=False, watch=transport.watch)


async def test_connections_are_closed_when_nobody_needs_them_any_more(
    transport: Transport,
) -> None:
    lane = FastLane(transport.cork, keep_alive=0.01)
    async with upstream(answer()) as server:
        url = URL(server.url + "/generate_response")
        await asyncio.gather(*[lane.post(url, b"", b"", minute(transport)) for _ in range(3)])
        await until(lambda: not server.open_connections())
        assert lane.idle() == 0
        assert (await lane.post(url, b"", b"", minute(transport))).status == 200
    await lane.aclose()


async def test_a_body_that_a_reset_cuts_is_not_taken_for_whole(
    way: str, transport: Transport
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"response": "hello"}')
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises((StreamError, TransportError)):
        await ask(url, transport, retries=0)
    server.close()
    await server.wait_closed()


async def test_a_body_without_a_length_that_we_cut_is_not_taken_for_whole(
    way: str, transport: Transport
) -> None:
    async with raw_server(b'HTTP/1.1 200 OK\r\n\r\n{"response": "half', keep_open=True) as url:
        pieces = Dynaspark.create_async_generator("", HELLO, url=url, transport=transport)
        assert await anext(pieces) == "half"
        await transport.aclose()
        with pytest.raises(StreamError, match="broke off"):
            await anext(pieces)


async def test_closing_fails_who_looks_a_name_up(
    way: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, known = threading.Event(), threading.Event()

    def slow(*args: object, **options: object) -> list[object]:
        asked.set()
        known.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asking = asyncio.create_task(ask("http://localhost:9", transport, retries=0))
    await until(asked.is_set)
    await transport.aclose()
    try:
        with pytest.raises(TransportError):
            await asking
    finally:
        known.set()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def in_use(transport: Transport) -> list[object]:
    """The connections that are in use."""
    ways = transport._ways.values()
    lanes = [way._lane for way in ways if way._lane is not None]
    lines = [line for lane in lanes for line in lane._lines if line.is_fresh()]
    connectors = [way._session.connector for way in ways if way._session is not None]
    acquired = [held for connector in connectors if connector for held in connector._acquired]
    return [line for line in lines if line.idle_since is None] + acquired
