"""One request to a faulty host, and the connection on which a fault answers it."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from .answers import GoodAnswer, good_answer

if TYPE_CHECKING:
    from .host import Host

PATIENCE = 600.0
"""Seconds after which even a fault that goes on for ever ends."""


class Visit:
    """A request, read to its end.

    Attributes:
        host: the faulty host.
        number: how many requests came before this one.
        value: the profile's number.
        path: the request's target.
        body: the request's body.
        over: whether the connection is not to be used again.
    """

    def __init__(
        self,
        host: Host,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        path: str,
        body: bytes,
    ) -> None:
        self.host = host
        self.number = host.requests - 1
        self.value = host.value
        self.path = path
        self.body = body
        self.over = False
        self._reader = reader
        self._writer = writer

    @property
    def good(self) -> GoodAnswer:
        """What a host that works would answer."""
        return good_answer(self.path, self.body)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            ConnectionError: the client has left.
        """
        self._writer.write(data)
        await self._writer.drain()

    def head(self, *headers: str, status: str = "200 OK") -> bytes:
        """A status line and headers, after which this connection is to be closed."""
        self.over = True
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {self.good.content_type}", *headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def answer(
        self,
        body: bytes | None = None,
        *headers: str,
        status: str = "200 OK",
        content_type: str | None = None,
    ) -> None:
        """Send a whole answer, the good one where no body is given; the connection stays."""
        good = self.good
        body = good.body if body is None else body
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Type: {content_type or good.content_type}",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    async def stay(self) -> None:
        """Say nothing more until the client leaves."""
        self.over = True
        try:
            async with asyncio.timeout(PATIENCE):
                while await self._reader.read(4096):
                    pass
        except TimeoutError:
            pass

    def reset(self) -> None:
        """Break the connection off so that the client sees a reset."""
        self.over = True
        linger = struct.pack("ii", 1, 0)
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Read one request and return its path and body.

    Raises:
        EOFError: the connection ended.
        ValueError: the request is malformed.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    _, path, _ = request_line.split(" ", 2)
    if "chunked" in headers.get("transfer-encoding", ""):
        return path, await _read_chunks(reader)
    return path, await reader.readexactly(int(headers.get("content-length") or 0))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
