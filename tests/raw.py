"""Speaks to a server byte by byte, as an attacker or a broken client does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Said:
    """What came back: everything up to the end of the connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and see it closed."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def say(url: str, data: bytes, *, end: bool = False) -> Said:
    """Send bytes and read until the server closes (or, with ``end``, close our half first)."""
    reader, writer = await connect(url)
    try:
        writer.write(data)
        await writer.drain()
        if end:
            writer.write_eof()
        return parse(await reader.read())
    except ConnectionError:
        return parse(b"")
    finally:
        await hang_up(writer)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens in another task of this process."""
    while not condition():
        await asyncio.sleep(0.01)


def parse(raw: bytes) -> Said:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split()[1]) if first else 0
    pairs = (line.split(":", 1) for line in lines)
    return Said(status, {name.lower(): value.strip() for name, value in pairs}, body, raw)


def get(path: str = "/health", *headers: str, host: str | None = "localhost") -> bytes:
    """A GET request that asks for the connection's end."""
    lines = [f"GET {path} HTTP/1.1", "Connection: close"]
    lines += [f"Host: {host}"] if host is not None else []
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def post(
    body: bytes = b"user_input=hello",
    *headers: str,
    path: str = "/generate_response",
    host: str = "localhost",
    kind: str | None = "application/x-www-form-urlencoded",
    length: int | None = None,
) -> bytes:
    """A POST of a form that asks for the connection's end."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Content-Type: {kind}"] if kind else []
    if not any(line.lower().startswith("transfer-encoding") for line in headers):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return ("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode() + body
