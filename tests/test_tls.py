"""TLS: certificates that nobody has signed, and TLS met where it is not expected."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from certificates import make_certificate, server_context
from proxies import http_proxy
from test_transport import Everything, ask
from upstream import answer, upstream

from aiodynaspark._body import json_body
from aiodynaspark.errors import ConnectError, TransportError
from aiodynaspark.transport import Request, Transport


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def transport() -> Any:
    opened = Transport()
    yield opened
    assert not opened.active
    await opened.aclose()


@asynccontextmanager
async def https(certificate: Path) -> Any:
    """A server that answers over TLS."""
    app = web.Application()

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text='{"response": "hello"}')

    app.router.add_route("*", "/{path:.*}", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context(certificate))
    await site.start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_certificate_that_nobody_signed(transport: Transport, certificate: Path) -> None:
    async with https(certificate) as url:
        with pytest.raises(ConnectError, match=r"certificate .* cannot be verified") as caught:
            await ask(transport, url)
    assert not caught.value.retryable
    assert transport.retries == 0


async def test_the_same_through_a_proxys_tunnel(transport: Transport, certificate: Path) -> None:
    async with https(certificate) as url, http_proxy() as proxy:
        with pytest.raises(ConnectError, match=r"certificate .* cannot be verified"):
            await ask(transport, url, proxy=proxy.url("http"))
        assert proxy.asked == [f"CONNECT {url.removeprefix('https://')}"]


async def test_tls_spoken_to_a_plain_port(transport: Transport) -> None:
    async with upstream(answer()) as server:
        with pytest.raises(ConnectError, match="No TLS connection"):
            await ask(transport, server.url.replace("http:", "https:"), retries=0)


async def test_plain_http_spoken_to_a_tls_port(transport: Transport, certificate: Path) -> None:
    async with https(certificate) as url:
        with pytest.raises(TransportError) as caught:
            await ask(transport, url.replace("https:", "http:"), retries=0)
    assert str(caught.value).endswith(".")


TRUSTING = """
import asyncio, sys
from aiodynaspark import Dynaspark
async def main():
    proxy = sys.argv[2] if len(sys.argv) > 2 else None
    for _ in range(2):
        print(await Dynaspark.create_async("", [{"role": "user", "content": "x"}],
                                           url=sys.argv[1], proxy=proxy))
asyncio.run(main())
"""


@pytest.mark.parametrize("with_proxy", [False, True])
async def test_a_certificate_that_the_machine_trusts(certificate: Path, with_proxy: bool) -> None:
    async with https(certificate) as url, http_proxy("me", "word") as proxy:
        way = [proxy.url("http", "me:word@")] if with_proxy else []
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", TRUSTING, url, *way),
            env={"SSL_CERT_FILE": str(certificate.with_name("authority.pem"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert (out.decode().split(), err.decode()) == (["hello", "hello"], "")
    assert len(proxy.asked) == with_proxy, "one tunnel serves both"


async def test_who_reads_slowly_gets_what_came_before_the_end(
    way: str, transport: Transport, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = certificate.parent / "authority.pem"
    trusting = ssl.create_default_context(cafile=str(authority))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    body = bytes(200_000)
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + chunk + b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(certificate))
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    request = Request(url=url, body=json_body({}), retries=0)
    async with transport.stream(request, Everything) as exchange:
        await ended.wait()
        received = b"".join([piece async for batch in exchange for piece in batch])
    assert received == body
    server.close()
    await server.wait_closed()
