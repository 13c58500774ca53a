"""A body as it comes over our own connections: all of it, in order, and no more than fits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from upstream import upstream

from aiodynaspark import Dynaspark
from aiodynaspark.transport import Transport
from aiodynaspark.transport.incoming import Incoming

HELLO = [{"role": "user", "content": "hello"}]


class Connection(BaseProtocol):
    """aiohttp's, but for saying whether it was told to go on."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.resumed = 0

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self._reading_paused = False
        self.resumed += 1


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture
async def body(connection: Connection) -> Incoming:
    made = aiohttp.StreamReader(connection, 8, loop=asyncio.get_running_loop())
    made.begin_http_chunk_receiving()
    made.feed_data(b"one ")
    made.end_http_chunk_receiving()
    return Incoming.take_over(made)


async def test_goes_on_in_what_the_parser_made(body: Incoming) -> None:
    body.begin_http_chunk_receiving()
    body.feed_data(b"two")
    body.end_http_chunk_receiving()
    assert body.read_nowait(100) == b"one two"
    assert body.read_nowait(100) == b""
    assert not body.at_eof()
    body.feed_eof()
    assert body.at_eof()


async def test_gives_no_more_than_asked_for(body: Incoming) -> None:
    body.feed_data(b"two three")
    assert [body.read_nowait(3) for _ in range(3)] == [b"one", b" tw", b"o t"]
    assert body.read_nowait(100) == b"hree"


async def test_gives_all_where_nothing_is_said(body: Incoming) -> None:
    body.feed_data(b"two")
    assert body.read_nowait() == b"one two"


async def test_the_connection_waits_while_too_much_is_unread(
    body: Incoming, connection: Connection
) -> None:
    body.feed_data(bytes(13))
    assert connection._reading_paused
    assert body.read_nowait(100) == b"one " + bytes(13)
    assert not connection._reading_paused
    body.feed_data(b"x")
    body.read_nowait(100)
    assert connection.resumed == 1


async def test_the_connection_waits_while_too_many_pieces_are_unread(
    body: Incoming, connection: Connection
) -> None:
    for _ in range(4):
        assert not connection._reading_paused
        body.feed_data(b"x")
    assert connection._reading_paused
    assert body.read_nowait(100) == b"one xxxx"
    assert not connection._reading_paused


async def test_tells_of_what_comes_the_end_and_a_fault(body: Incoming) -> None:
    arrival = body.arrival()
    assert not arrival.done()
    body.feed_data(b"two")
    await arrival
    end = body.arrival()
    body.feed_eof()
    await end
    fault = body.arrival()
    body.set_exception(aiohttp.ClientPayloadError("cut"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await fault
    with pytest.raises(aiohttp.ClientPayloadError):
        body.read_nowait(100)


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.aclose()


async def test_a_body_in_the_smallest_chunks(way: str, transport: Transport) -> None:
    text = "".join(chr(ord("a") + at % 26) for at in range(20_000))

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        chunks = [b"1\r\n%c\r\n" % byte for byte in f'{{"response": "{text}"}}'.encode()]
        request.transport.write(b"".join(chunks))
        return response

    async with upstream(handler) as server:
        asked = Dynaspark.create_async("", HELLO, url=server.url, transport=transport)
        assert await asked == text


@pytest.mark.parametrize("first", [8192, 8193, 8194])
async def test_the_first_read_may_end_after_any_chunk(
    first: int, way: str, transport: Transport
) -> None:
    """At 8,193 aiohttp's reader would stop the parser before anybody can have it go on."""
    said, later = b'{"response": "%b' % (b"a" * (first - 14)), asyncio.Event()
    chunks = b"".join([b"1\r\n%c\r\n" % byte for byte in said])

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        request.transport.write(chunks)
        await later.wait()
        request.transport.write(b'3\r\nzzz\r\n2\r\n"}\r\n')
        return response

    async with upstream(handler) as server:
        answer = Dynaspark.create_async_generator(
            "", HELLO, url=server.url, transport=transport, timeout=10
        )
        text = str(await anext(answer))
        later.set()
        async for chunk in answer:
            text += str(chunk)
    assert text == "a" * (first - 14) + "zzz"


async def test_a_reader_that_waits_holds_up_the_sender(way: str, transport: Transport) -> None:
    piece, count = b"y" * 64 * 1024, 1_000
    written = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"response": "')
        for _ in range(count):
            await response.write(piece)
            written += 1
        await response.write(b'"}')
        return response

    async with upstream(handler) as server:
        chunks = Dynaspark.create_async_generator(
            "", HELLO, url=server.url, transport=transport, max_answer=1e9
        )
        length = len(str(await anext(chunks)))
        for _ in range(10 * count):  # turns enough to send it all
            await asyncio.sleep(0)
        assert written < count / 2
        async for chunk in chunks:
            length += len(str(chunk))
        assert length == count * len(piece)
