"""Requests over real sockets: pooling, attempts, redirects, limits of size, and what repr tells."""

from __future__ import annotations

import asyncio
import gc
import gzip
import random
import weakref
import zlib
from contextlib import suppress
from typing import Any

import brotli
import pytest
from aiohttp import web
from upstream import Handler, answer, hold, pieces, raw_server, until, upstream

from aiodynaspark._body import json_body
from aiodynaspark._headers import Headers
from aiodynaspark.errors import (
    ConnectError,
    DynasparkError,
    RateLimitError,
    ResponseError,
    StreamError,
    TransportError,
    TransportTimeout,
    UpstreamError,
    UsageError,
)
from aiodynaspark.server.faults import Host
from aiodynaspark.transport import Request, Transport, deadline, pool


class Everything:
    """Decodes bytes as they are."""

    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def finish(self) -> list[bytes]:
        return []


class Nothing(Everything):
    """Takes everything for a comment."""

    def feed(self, data: bytes) -> list[bytes]:
        return []


@pytest.fixture
async def transport() -> Any:
    opened = Transport()
    yield opened
    assert not opened.active
    assert not opened.waiting
    await opened.aclose()


async def ask(transport: Transport, url: str, decoder: Any = Everything, **limits: Any) -> bytes:
    request = Request(url=url, body=json_body({"hello": "world"}), **limits)
    async with transport.stream(request, decoder) as exchange:
        return b"".join([piece async for batch in exchange for piece in batch])


async def test_one_connection_serves_many_calls(transport: Transport) -> None:
    async with upstream(answer("hello")) as server:
        for _ in range(20):
            assert await ask(transport, server.url) == b"hello"
        assert len(server.connections) == 1
        assert repr(transport) == (
            "<Transport open: 0 active, 1 idle, 0 waiting, retry budget 100>"
        )


async def test_an_error_does_not_cost_the_connection(transport: Transport) -> None:
    async with upstream(answer("no", status=404), answer("hello")) as server:
        with pytest.raises(ResponseError):
            await ask(transport, server.url)
        assert await ask(transport, server.url) == b"hello"
        assert len(server.connections) == 1


async def test_connections_are_bounded() -> None:
    narrow = Transport(connections=2)
    release = asyncio.Event()
    async with upstream(hold(release)) as server:
        asks = [asyncio.create_task(ask(narrow, server.url)) for _ in range(6)]
        await until(lambda: len(server.seen) == 2)
        release.set()
        await asyncio.gather(*asks)
        assert len(server.connections) == 2
    await narrow.aclose()


async def test_who_finds_no_connection_free_waits_in_order() -> None:
    narrow = Transport(connections=1)
    release = asyncio.Event()
    async with upstream(hold(release)) as server:
        asks = [asyncio.create_task(ask(narrow, f"{server.url}/{number}")) for number in range(5)]
        await until(lambda: server.seen)
        assert "5 active, 0 idle, 4 waiting" in repr(narrow)
        asks[2].cancel()
        release.set()
        await asyncio.gather(*asks, return_exceptions=True)
        assert [seen.path for seen in server.seen] == ["/0", "/1", "/3", "/4"]
    await narrow.aclose()


async def test_repr_counts_what_is_going_on(transport: Transport) -> None:
    release = asyncio.Event()
    async with upstream(answer("hello"), hold(release)) as server:
        await ask(transport, server.url)
        asking = asyncio.create_task(ask(transport, server.url))
        await until(lambda: len(server.seen) == 2)
        assert "1 active, 0 idle, 0 waiting" in repr(transport)
        release.set()
        await asking
        assert "0 active, 1 idle, 0 waiting" in repr(transport)


async def test_a_closed_transport_says_so() -> None:
    closed = Transport(connections=1)
    async with upstream(hold()) as server:
        asks = [asyncio.create_task(ask(closed, server.url)) for _ in range(2)]
        await until(lambda: server.seen)
        await closed.aclose()
        assert "closed" in repr(closed)
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [UsageError, UsageError]
        with pytest.raises(UsageError, match="closed"):
            await ask(closed, server.url)
    assert not closed.active


async def test_a_closed_transport_says_so_where_all_its_connections_are_in_use() -> None:
    closed = Transport(connections=1)
    async with upstream(pieces([b"a", b"b"], asyncio.Event())) as server:
        request = Request(url=server.url, body=json_body({}))
        async with closed.stream(request, Everything):
            await closed.aclose()
            with pytest.raises(UsageError, match="closed"):
                await ask(closed, server.url, timeout=5)


async def test_a_stream_that_has_arrived_keeps_nobody_waiting() -> None:
    narrow = Transport(connections=1)
    async with upstream(answer("hello")) as server:
        request = Request(url=server.url, body=json_body({}))
        async with narrow.stream(request, Everything) as exchange:
            assert await ask(narrow, server.url, timeout=5) == b"hello"
            assert await anext(exchange) == [b"hello"]
    await narrow.aclose()


async def test_the_key_of_an_ask_stays_over_its_attempts(transport: Transport) -> None:
    async with upstream(answer("", 500), answer("", 500), answer("hello")) as server:
        await ask(transport, server.url)
        await ask(transport, server.url)
        await ask(transport, server.url, headers=Headers({"Idempotency-Key": "mine"}))
        keys = [seen.header("idempotency-key") for seen in server.seen]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert keys[4] == "mine"


async def test_a_seeded_program_sends_other_keys_each_time(transport: Transport) -> None:
    async with upstream(answer("hello")) as server:
        for _ in range(2):
            random.seed(0)
            await ask(transport, server.url)
        assert len({seen.header("idempotency-key") for seen in server.seen}) == 2


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_retries_are_attempts_after_the_first(transport: Transport, retries: int) -> None:
    host = Host("hang-up")
    async with host.listening() as url:
        with pytest.raises(TransportError):
            await ask(transport, url, retries=retries)
    assert host.requests == retries + 1
    assert transport.retries == retries


@pytest.mark.parametrize("statuses", [(404,), (500, 200), (500, 404)])
async def test_failures_leave_nothing_to_the_collector(
    transport: Transport, statuses: tuple[int, ...]
) -> None:
    asking: list[weakref.ref[Any]] = []

    def ends(status: int) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            asking.extend(map(weakref.ref, transport.active))
            return web.Response(status=status, text="hello")

        return handler

    gc.disable()
    try:
        async with upstream(*map(ends, statuses)) as server:
            with suppress(ResponseError):
                await ask(transport, server.url)
        assert len(asking) == len(statuses)
        assert asking[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("connections", [1, 9])
@pytest.mark.parametrize("parts", [[], [b'{"response": "one ', b'two"}']])
async def test_a_passed_deadline_leaves_nothing_to_the_collector(
    connections: int, parts: list[bytes]
) -> None:
    never = asyncio.Event()
    handler = pieces(parts, never) if parts else hold(never)
    transport = Transport(connections=connections)  # with one, the others wait for a slot

    async def times_out(url: str) -> None:
        with pytest.raises(TransportTimeout):
            await ask(transport, url, timeout=0.1, retries=0)

    gc.disable()
    try:
        async with upstream(handler) as server:
            asking = [asyncio.create_task(times_out(server.url)) for _ in range(9)]
            await until(lambda: len(transport.active) == 9)
            exchanges = [*map(weakref.ref, transport.active)]
            await asyncio.wait(asking)
        asking.clear()
        assert [exchange() for exchange in exchanges] == [None] * 9
    finally:
        gc.enable()
        await transport.aclose()


async def test_one_deadline_is_over_everything(transport: Transport) -> None:
    host = Host("silent")
    async with host.listening() as url:
        with pytest.raises(TransportTimeout, match=r"within 0\.2 s"):
            await ask(transport, url, timeout=0.2)
        assert host.requests == 1
    async with Host("busy:30").listening() as url:
        with pytest.raises(RateLimitError) as caught:
            await ask(transport, url, timeout=5)
        assert caught.value.retry_after == 30


async def test_the_budget_bounds_retries_for_the_whole_process() -> None:
    transports = [Transport() for _ in range(4)]
    host = Host("hang-up")
    async with host.listening() as url:
        calls = [ask(transports[i % 4], url, timeout=60) for i in range(1000)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TransportError}
    assert 1000 < host.requests <= 1020, "a full budget of 100 pays for 20 retries of 5"
    assert "retry budget 0" in repr(transports[0])
    for transport in transports:
        await transport.aclose()


async def test_success_fills_the_budget_again(transport: Transport) -> None:
    script = [answer("", 500), answer("", 500), answer("", 500), answer("hello")]
    async with upstream(*script) as server:
        with pytest.raises(UpstreamError):
            await ask(transport, server.url)
        assert "budget 90" in repr(transport)
        await ask(transport, server.url)
        assert "budget 91" in repr(transport)
        server.script[:] = [answer("", 500), answer("hello")]
        await ask(transport, server.url)
        assert "budget 92" in repr(transport), "a retry that helped costs nothing"


async def test_budgets_are_apart_by_key(transport: Transport) -> None:
    assert transport.host("http://a", "one") is not transport.host("http://a", "two")
    assert transport.host("http://a", "one") is transport.host("http://a", "one")
    assert all("one" not in repr(place) for place in pool._hosts)


async def test_a_stale_connection_is_replaced_for_free(transport: Transport) -> None:
    """The server closes a kept connection when the next request is on its way."""
    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        for turn in range(2):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
            seen += 1
            if turn == 0:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert await ask(transport, url, retries=0) == b"hello"
    assert await ask(transport, url, retries=0) == b"hello"
    assert seen == 3
    assert transport.retries == 0
    assert "budget 100" in repr(transport)
    await transport.aclose()
    server.close()
    await server.wait_closed()


async def test_a_new_connection_that_dies_is_a_retry(transport: Transport) -> None:
    host = Host("reset")
    async with host.listening() as url:
        with pytest.raises(TransportError):
            await ask(transport, url, retries=0)
    assert host.requests == 1


def redirect(status: int, location: str) -> Any:
    return answer("", status, location=location)


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_on_the_same_origin_repeats_the_request(
    transport: Transport, status: int
) -> None:
    async with upstream(redirect(status, "/other?x=1"), answer("hello")) as server:
        assert await ask(transport, server.url + "/first") == b"hello"
        assert [seen.path for seen in server.seen] == ["/first", "/other?x=1"]
        assert server.seen[0].body == server.seen[1].body != b""


async def test_credentials_in_a_redirect_do_not_quarrel_with_a_key(transport: Transport) -> None:
    async with upstream() as server:
        location = server.url.replace("://", "://user:secret@")
        server.script[:] = [redirect(307, location), answer("hello")]
        headers = Headers({"authorization": "Bearer key"})
        assert await ask(transport, server.url, headers=headers) == b"hello"
        assert [seen.header("authorization") for seen in server.seen] == ["Bearer key"] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_elsewhere_is_not_followed(transport: Transport, status: int) -> None:
    async with upstream(answer("stolen")) as thief:
        for location in (thief.url, thief.url.replace("http://", "//"), "file:///etc/passwd"):
            async with upstream(redirect(status, location)) as server:
                with pytest.raises(ResponseError, match="redirect") as caught:
                    await ask(transport, server.url)
                assert caught.value.status == status
                assert len(server.seen) == 1
        assert thief.seen == []


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_lose_the_body_is_not_followed(
    transport: Transport, status: int
) -> None:
    async with upstream(redirect(status, "/other"), answer("hello")) as server:
        with pytest.raises(ResponseError, match="redirect"):
            await ask(transport, server.url)
        assert len(server.seen) == 1


@pytest.mark.parametrize("location", ["", "http://[", "http://\u2603:99999/", "//:0"])
async def test_a_redirect_to_nonsense_is_typed(transport: Transport, location: str) -> None:
    async with upstream(redirect(307, location)) as server:
        with pytest.raises(ResponseError):
            await ask(transport, server.url)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)],
)
async def test_sizes_count_after_decompression(
    transport: Transport, encoding: str, encode: Any
) -> None:
    body = b"a" * 100_000
    async with upstream(answer(encode(body), content_encoding=encoding)) as server:
        assert await ask(transport, server.url, max_answer=100_000) == body
        assert encoding in (server.seen[0].header("accept-encoding") or "")
        with pytest.raises(StreamError, match=r"max_answer \(99,999 bytes\)"):
            await ask(transport, server.url, max_answer=99_999)


async def test_while_a_body_is_decompressed_others_get_their_turn(transport: Transport) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    async with upstream(answer(gzip.compress(bytes(8 << 20)), content_encoding="gzip")) as server:
        await ask(transport, server.url, Nothing)
    counting.cancel()
    assert turns > 128, "at least one turn for each piece of 64 KiB"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "IDLE_TIMEOUT", 0.1)


@pytest.mark.usefixtures("impatient")
async def test_silence_ends_a_stream(transport: Transport) -> None:
    async with upstream(pieces([b"a", b"b"], asyncio.Event())) as server:
        with pytest.raises(TransportTimeout, match=r"sent nothing for 0\.1 s"):
            await ask(transport, server.url)


async def test_comments_do_not_keep_a_stream_alive_for_ever(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "SILENCE", 0.1)
    async with Host("slow:0.02").listening() as url:
        with pytest.raises(TransportTimeout, match=r"nothing but comments for 0\.1 s"):
            await ask(transport, url, Nothing, retries=0)


@pytest.mark.usefixtures("impatient")
async def test_an_answer_wanted_whole_may_take_its_time(transport: Transport) -> None:
    release = asyncio.Event()
    async with upstream(hold(release)) as server:
        asyncio.get_running_loop().call_later(0.3, release.set)
        await ask(transport, server.url, whole=True)


async def test_the_body_of_an_error_may_not_take_for_ever(transport: Transport) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        await response.write(b'{"error": "not here"')
        await asyncio.Event().wait()
        return response

    async with upstream(drip) as server:
        with pytest.raises(ResponseError) as caught:
            await ask(transport, server.url)
    assert caught.value.status == 404
    assert caught.value.body == b'{"error": "not here"'


async def test_half_an_answer_is_kept_when_the_connection_breaks(transport: Transport) -> None:
    for fault in ("late-cut", "too-long", "bad-chunk"):
        async with Host(fault).listening() as url:
            heard = b""
            with pytest.raises(StreamError):
                async with transport.stream(Request(url=url), Everything) as exchange:
                    async for batch in exchange:
                        heard += b"".join(batch)
            assert heard.startswith(b'{"response": "It works in the end'), fault


async def test_headers_that_cannot_be_sent_are_refused_without_being_shown() -> None:
    for name, value in [("x-key", "secret\nx: y"), ("x-key", "secret\0"), ("x key", "secret")]:
        with pytest.raises(UsageError) as caught:
            Headers({name: value})
        assert "secret" not in str(caught.value)
    with pytest.raises(UsageError):
        Headers({"x-key": 5})  # type: ignore[dict-item]


async def test_what_a_request_holds_is_not_in_its_repr() -> None:
    request = Request(
        url="http://127.0.0.1",
        body=json_body({"prompt": "secret"}),
        headers=Headers({"authorization": "secret"}),
        key="secret",
        proxy="http://user:secret@proxy",
    )
    assert "secret" not in repr(request)
    assert "secret" not in repr(request.body)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://x",
        "http://",
        "http://host:0",
        "http://[",
        "http://a:b",
        "http://a..b",
        f"http://{'a' * 64}.example",
    ],
)
async def test_a_url_that_is_none_is_refused(transport: Transport, url: str) -> None:
    with pytest.raises(UsageError, match="write it like http://HOST:PORT"):
        await ask(transport, url)


async def test_credentials_in_a_wrong_url_are_not_shown(transport: Transport) -> None:
    with pytest.raises(UsageError) as caught:
        await ask(transport, "htp://user:secret@host")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("credentials", ["user:secret", "user", ":secret"])
async def test_credentials_in_a_url_do_not_quarrel_with_a_key(
    transport: Transport, credentials: str
) -> None:
    async with upstream(answer("hello")) as server:
        url = server.url.replace("://", f"://{credentials}@")
        headers = Headers({"authorization": "Bearer key"})
        assert await ask(transport, url, headers=headers) == b"hello"
        assert server.seen[0].header("authorization") == "Bearer key"
        server.script[:] = [answer("", 404)]
        with pytest.raises(ResponseError) as caught:
            await ask(transport, url)
        assert "secret" not in str(caught.value)


async def test_nobody_listens(transport: Transport, unused_tcp_port: int) -> None:
    with pytest.raises(ConnectError, match="Start it first"):
        url = f"http://127.0.0.1:{unused_tcp_port}"
        await ask(transport, url, if_refused="Start it first.", retries=0)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/9.9 999 \xff\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"\0" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    ],
)
async def test_odd_http_never_comes_out_untyped(transport: Transport, bytes_: bytes) -> None:
    async with raw_server(bytes_, keep_open=True) as url:
        with suppress(DynasparkError):
            await ask(transport, url, timeout=0.5, retries=0)


async def test_an_answer_that_comes_unasked_later_answers_nothing(transport: Transport) -> None:
    """The connection is idle when it comes; whoever asks next gets an answer of his own."""
    forged, told = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(9):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
            if not forged.is_set():
                await told.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
                await writer.drain()
                forged.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert await ask(transport, url) == b"mine"
    told.set()
    await forged.wait()
    for _ in range(3):
        assert await ask(transport, url) == b"mine"
    await transport.aclose()
    server.close()
