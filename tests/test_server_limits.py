"""What is too much, too slow or no HTTP at all; and what a slow or vanished client costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from raw import connect, get, hang_up, parse, post, say, until
from upstream import Upstream, hold, pieces, upstream

from aiodynaspark import Model, registry
from aiodynaspark.providers.dynaspark import Dynaspark
from aiodynaspark.server import Catalog, Policy, running
from aiodynaspark.server.gate import is_json
from aiodynaspark.transport import current

BOUNDARY = "multipart/form-data; boundary=b"


@asynccontextmanager
async def serving(**policy: Any) -> AsyncIterator[str]:
    async with running(Catalog({"echo": registry.find("echo")}), policy=Policy(**policy)) as url:
        yield url


@asynccontextmanager
async def gateway(server: Upstream, **policy: Any) -> AsyncIterator[str]:
    """A server whose model is another server."""
    catalog = Catalog({"far": Model(Dynaspark, "", {"url": server.url, "retries": 0})})
    async with running(catalog, policy=Policy(**{"drain": 0.0, **policy})) as url:
        yield url


def part(name: str, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
        name.encode(),
        value,
    )


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class TestSmuggling:
    @pytest.mark.parametrize(
        "head",
        [
            "POST /generate_response HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked",
            "POST /generate_response HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
            "POST /generate_response HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5",
            "POST /generate_response HTTP/1.1\r\nContent-Length: 4, 5",
            "POST /generate_response HTTP/1.1\r\nContent-Length: +4",
            "POST /generate_response HTTP/1.1\r\nContent-Length: -4",
            "POST /generate_response HTTP/1.1\r\nContent-Length: 0x4",
            "POST /generate_response HTTP/1.1\r\nContent-Length: 4_0",
            "POST /generate_response HTTP/1.1\r\nContent-Length: ٤",
            "POST /generate_response HTTP/1.1\r\nContent-Length : 4",
            "POST /generate_response HTTP/1.1\r\nTransfer-Encoding: chunked, chunked",
            "POST /generate_response HTTP/1.1\r\nTransfer-Encoding: xchunked",
            "POST /generate_response HTTP/1.1\r\nTransfer-Encoding: chunked, gzip",
            "POST /generate_response HTTP/1.1\r\nTransfer-Encoding : chunked",
            "POST /generate_response HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
            "GET /health HTTP/1.1\r\nX: a\r\n folded: b",
            "GET /health HTTP/1.1\r\nX\r\n",
            "GET /health HTTP/1.1\r\n: empty",
            "GET /health HTTP/1.1\r\nX: a\0b",
            "GET /health HTTP/1.1\r\nX: a\rb",
            "GET /hea lth HTTP/1.1",
            "GET /health HTTP/9.9",
            "GET /health",
            "GET\t/health HTTP/1.1",
            "G<T /health HTTP/1.1",
            "GET /health HTTP/1.1\r\nX: " + "x" * 20_000,
            "GET /" + "x" * 20_000 + " HTTP/1.1",
            "GET /health HTTP/1.1" + "\r\nX: y" * 5_000,
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
    )
    async def test_a_doubtful_head_gets_400_and_the_end(self, head: str) -> None:
        smuggled = "0\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        data = f"{head}\r\nHost: localhost\r\n\r\n{smuggled}".encode("utf-8", "surrogateescape")
        async with serving() as url:
            said = await say(url, data)
        assert said.status == 400
        assert said.raw.count(b"HTTP/1.") == 1, "one answer, then the connection ends"
        assert said.headers["server"] == "aiodynaspark"
        assert json.loads(said.body)["error"]

    @pytest.mark.parametrize(
        "body", [b"zz\r\nhello\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"5\r\nhel"]
    )
    async def test_a_doubtful_chunk_is_no_body(self, body: bytes) -> None:
        async with serving() as url:
            said = await say(url, post(body, "Transfer-Encoding: chunked"), end=True)
        assert said.status in (0, 400)

    async def test_a_request_for_another_authority_is_not_ours(self) -> None:
        async with serving() as url:
            said = await say(url, get("http://evil.example/health", host="evil.example"))
            assert said.status == 421
            assert (await say(url, get(host=None))).status in (400, 421)
            assert (await say(url, get("/health", "Host: evil.example"))).status in (400, 421)


class TestSizes:
    async def test_a_declared_size_is_refused_before_it_is_sent(self) -> None:
        async with serving(max_body=1000) as url:
            said = await say(url, post(b"user_input=", length=1001))
            assert said.status == 413
            assert "1000 bytes" in json.loads(said.body)["error"]

    async def test_an_undeclared_one_when_it_is_reached(self) -> None:
        async with serving(max_body=1000) as url:
            body = chunked(b"user_input=" + b"x" * 1000)
            assert (await say(url, post(body, "Transfer-Encoding: chunked"))).status == 413
            parts = b"".join(part(f"f{i}", b"x" * 300) for i in range(4)) + b"--b--\r\n"
            said = await say(url, post(chunked(parts), "Transfer-Encoding: chunked", kind=BOUNDARY))
            assert said.status == 413

    async def test_a_bomb_is_weighed_as_it_unpacks(self) -> None:
        import gzip

        bomb = gzip.compress(b"user_input=" + b"x" * 1_000_000)
        async with serving(max_body=100_000) as url:
            said = await say(url, post(bomb, "Content-Encoding: gzip"))
            assert (len(bomb) < 10_000, said.status) == (True, 413)

    async def test_many_parts_and_fields_are_refused(self) -> None:
        async with serving() as url:
            many = b"".join(part("x", b"") for _ in range(101)) + b"--b--\r\n"
            assert (await say(url, post(many, kind=BOUNDARY))).status == 400
            assert (await say(url, post(b"&".join([b"a=b"] * 1_000_000)))).status == 400

    async def test_no_more_run_at_once_than_may(self) -> None:
        async with upstream(hold()) as server, gateway(server, max_requests=2) as url:
            held = [await connect(url) for _ in range(2)]
            for _, writer in held:
                writer.write(post())
            await until(lambda: len(server.seen) == 2)
            said = await say(url, post())
            assert (said.status, said.headers["retry-after"]) == (503, "1")
            assert (await say(url, get())).status == 200
            assert b"in_flight 2\n" in (await say(url, get("/metrics"))).body
            for _, writer in held:
                await hang_up(writer)

    async def test_what_waits_for_its_turn_is_not_running_yet(self) -> None:
        async with serving(max_requests=1) as url:
            opened = [await connect(url) for _ in range(12)]
            for _, writer in opened:
                writer.write(get("/v1/models"))
            said = [parse(await reader.read()).status for reader, _ in opened]
            for _, writer in opened:
                await hang_up(writer)
        assert said == [200] * 12


class TestSlowClients:
    @pytest.mark.parametrize("beginning", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: lo"])
    async def test_a_head_that_takes_too_long_ends_the_connection(self, beginning: bytes) -> None:
        async with serving(head=0.1) as url:
            assert (await say(url, beginning)).raw == b""

    async def test_so_does_a_second_head_that_drips(self) -> None:
        async with serving(head=0.1) as url:
            reader, writer = await connect(url)
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"}")
            drops = asyncio.create_task(self.drip(writer))
            with suppress(ConnectionResetError):  # a drop may come after the end
                assert await reader.read() == b""
            drops.cancel()
            await hang_up(writer)

    async def drip(self, writer: asyncio.StreamWriter) -> None:
        for letter in "GET /" + "x" * 10_000:
            writer.write(letter.encode())
            await asyncio.sleep(0.01)

    async def test_a_body_that_takes_too_long_gets_408(self) -> None:
        async with serving(body=0.1) as url:
            said = await say(url, post(b"user_input=", length=100))
            assert said.status == 408
            started = part("user_input", b"hello")
            said = await say(url, post(started, length=1000, kind=BOUNDARY))
            assert said.status == 408

    async def test_an_answer_may_take_longer_than_a_body(self) -> None:
        release = asyncio.Event()
        async with upstream(hold(release)) as server, gateway(server, body=0.05, head=0.05) as url:
            asking = asyncio.create_task(say(url, post()))
            await asyncio.sleep(0.2)
            release.set()
            assert (await asking).status == 200

    async def test_a_slow_reader_slows_its_own_upstream_alone(self) -> None:
        sent = 0

        def flood() -> Any:
            nonlocal sent
            yield b'{"response": "'
            while sent < 64 * 1024 * 1024:
                sent += 65_536
                yield b"x" * 65_536
            yield b'"}'

        async with upstream(pieces(flood()), pieces([b'{"response": "hi"}'])) as server:
            async with gateway(server) as url:
                _, slow = await connect(url)
                slow.transport.pause_reading()
                slow.write(post())
                await until(lambda: sent)
                for _ in range(3):  # the others are served as before
                    assert (await say(url, post())).status == 200
                before = -1
                while before != sent:  # until the upstream stands still
                    before = sent
                    await asyncio.sleep(0.3)
                assert sent < 32 * 1024 * 1024, "kernel buffers, and not the whole answer"
                slow.transport.abort()


class TestClientsThatLeave:
    @pytest.mark.parametrize("abruptly", [True, False])
    async def test_their_upstream_is_let_go_within_a_second(self, abruptly: bool) -> None:
        script = pieces([b'{"response": "first', b"never"], asyncio.Event())
        async with upstream(script) as server, gateway(server) as url:
            reader, writer = await connect(url)
            writer.write(post())
            await reader.readuntil(b"first")
            assert server.open_connections() == 1
            writer.transport.abort() if abruptly else writer.close()
            async with asyncio.timeout(1):
                await until(lambda: not server.open_connections())
            assert "0 active" in repr(await current())

    async def test_also_before_the_answer_begins(self) -> None:
        async with upstream(hold()) as server, gateway(server) as url:
            _, writer = await connect(url)
            writer.write(post())
            await until(lambda: server.seen)
            await hang_up(writer)
            async with asyncio.timeout(1):
                await until(lambda: not server.open_connections())

    async def test_a_body_that_breaks_off_does_no_harm(self) -> None:
        async with serving() as url:
            _, writer = await connect(url)
            writer.write(post(b"user_input=", length=100))
            await writer.drain()
            writer.transport.abort()
            assert (await say(url, get())).status == 200


class TestErrorShapes:
    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (get("/nothing"), 404),
            (get("/generate_response"), 405),
            (get("/health").replace(b"GET", b"PUT"), 405),
            (get("/health").replace(b"GET", b"BREW"), 400),
            (post(kind="application/json"), 400),
            (post(kind=None), 400),
            (post(kind="multipart/form-data"), 400),
            (post(b"garbage", kind=BOUNDARY), 400),
            (post(b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n", kind=BOUNDARY), 400),
            (post(b"--b\r\nX: a\0b\r\n\r\nx\r\n--b--\r\n", kind=BOUNDARY), 400),
            (post(b"--b\r\nX: " + b"x" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n", kind=BOUNDARY), 400),
            (post(b"--b\r\n" + b"X: y\r\n" * 5_000 + b"\r\nx\r\n--b--\r\n", kind=BOUNDARY), 400),
            (post(part("_charset_", b"x" * 40) + b"--b--\r\n", kind=BOUNDARY), 400),
            (post(part("user_input", b"hi")[:20], kind=BOUNDARY), 400),
            (post(b"no gzip", "Content-Encoding: gzip"), 400),
            (post(b"no gzip", "Content-Encoding: gzip", kind=BOUNDARY), 400),
            (post(b"user_input=%ff\xff"), 400),
        ],
    )
    async def test_forms_get_a_sentence(self, data: bytes, status: int) -> None:
        async with serving() as url:
            said = await say(url, data)
        assert said.status == status
        assert said.headers["content-type"].startswith("application/json")
        assert said.headers["server"] == "aiodynaspark"
        assert said.headers["x-content-type-options"] == "nosniff"
        assert said.headers["x-request-id"].startswith("req_")
        assert list(json.loads(said.body)) == ["error"]
        assert isinstance(json.loads(said.body)["error"], str)

    @pytest.mark.parametrize("path", ["/v1/nothing", "/openai/nothing"])
    async def test_openai_gets_an_object(self, path: str) -> None:
        async with serving() as url:
            said = await say(url, get(path))
        error = json.loads(said.body)["error"]
        assert said.status == 404
        assert error["type"] == "invalid_request_error"
        assert sorted(error) == ["code", "message", "param", "type"]

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/openai/v1/responses"])
    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
    async def test_a_damaged_encoding_is_the_clients_fault(self, path: str, encoding: str) -> None:
        encoded = (f"Content-Encoding: {encoding}", "Expect: 100-continue")
        head = post(b"", *encoded, path=path, kind="application/json", length=7)
        async with serving() as url:
            reader, writer = await connect(url)
            writer.write(head)
            await reader.readuntil(b"100 Continue\r\n\r\n")
            writer.write(b"damaged")
            said = parse(await reader.read())
            await hang_up(writer)
        assert said.status == 400
        assert json.loads(said.body)["error"]["type"] == "invalid_request_error"

    async def test_a_405_says_what_is_allowed(self) -> None:
        async with serving() as url:
            assert (await say(url, get("/generate_response"))).headers["allow"] == "POST"


class TestJsonOnly:
    @pytest.mark.parametrize(
        ("kind", "taken"),
        [
            ("application/json", True),
            ("application/vnd.api+json", True),
            ("text/plain", False),
            ("text/json", False),
            ("application/x-www-form-urlencoded", False),
            ("multipart/form-data", False),
            ("", False),
            ("application/octet-stream", False),
        ],
    )
    def test_a_form_of_a_page_cannot_pass_for_json(self, kind: str, taken: bool) -> None:
        assert is_json(kind) is taken


def test_the_parser_of_these_tests_reads_an_answer() -> None:
    assert parse(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nc").headers == {"a": "b"}
