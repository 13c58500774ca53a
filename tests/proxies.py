"""Real proxies on loopback, small: HTTP with and without a tunnel, and SOCKS5."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Proxy:
    """A proxy that wants credentials where it is given some, and notes whom it was asked for."""

    user: str = ""
    password: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def url(self, scheme: str, credentials: str = "") -> str:
        return f"{scheme}://{credentials}127.0.0.1:{self.port}"


@asynccontextmanager
async def _listening(serve: Serve) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def http_proxy(user: str = "", password: str = "") -> AsyncIterator[Proxy]:
    """An HTTP proxy; CONNECT makes a tunnel, anything else is passed on once."""
    proxy = Proxy(user, password)
    wanted = b"Basic " + b64encode(f"{user}:{password}".encode())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        proxy.asked.append(f"{method} {target}")
        if user and wanted not in head:
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        authority = target if method == "CONNECT" else target.split("/")[2]
        host, _, port = authority.rpartition(":")
        upstream = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Go on\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            upstream[1].write(head.replace(target.encode(), path.encode(), 1))
        await _join((reader, writer), upstream)

    async with _listening(serve) as port:
        proxy.port = port
        yield proxy


@asynccontextmanager
async def socks_proxy(user: str = "", password: str = "") -> AsyncIterator[Proxy]:
    """A SOCKS5 proxy (RFC 1928), with a name and password (RFC 1929) where they are given."""
    proxy = Proxy(user, password)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if user else 0
        if method not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if user:
            _, size = await reader.readexactly(2)
            name = await reader.readexactly(size)
            word = await reader.readexactly((await reader.readexactly(1))[0])
            right = (name, word) == (user.encode(), password.encode())
            writer.write(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        _, _, _, kind = await reader.readexactly(4)
        if kind == 1:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        proxy.asked.append(f"{host}:{port}")
        try:
            upstream = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(b"\x05\x05\x00\x01" + bytes(6))  # connection refused
            return
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await _join((reader, writer), upstream)

    async with _listening(serve) as port:
        proxy.port = port
        yield proxy


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _join(one: Pair, other: Pair) -> None:
    """Pass bytes on both ways until one side ends."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    pumps = [
        asyncio.create_task(pump(one[0], other[1])),
        asyncio.create_task(pump(other[0], one[1])),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        other[1].close()
