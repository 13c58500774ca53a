"""How connections are opened, counted, and closed even where their loop is gone."""

from __future__ import annotations

import socket
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp

from ..errors import UsageError

if TYPE_CHECKING:
    import weakref

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection with its TLS handshake."""

MAX_HEADER = 32 * 1024
"""Bytes of one response header."""

dialled: ContextVar[int] = ContextVar("dialled", default=0)
"""How many connections the current context has opened: unchanged means that one was used again."""


class _Counting(aiohttp.TCPConnector):
    async def _create_connection(self, *args: Any, **kwargs: Any) -> Any:
        dialled.set(dialled.get() + 1)
        return await super()._create_connection(*args, **kwargs)


def open_session(
    connections: int, sockets: weakref.WeakSet[socket.socket], socks: str | None
) -> aiohttp.ClientSession:
    """Make a session for direct and http-proxied requests, or for one SOCKS proxy."""
    return aiohttp.ClientSession(
        connector=_socks(socks, connections) if socks else _direct(connections, sockets),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT),
        auto_decompress=False,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )


def _direct(connections: int, sockets: weakref.WeakSet[socket.socket]) -> aiohttp.TCPConnector:
    def open_socket(address: Any) -> socket.socket:
        family, kind, protocol, _, _ = address
        opened = socket.socket(family, kind, protocol)
        sockets.add(opened)
        return opened

    return _Counting(
        limit=connections,
        timeout_ceil_threshold=2 * CONNECT_TIMEOUT,
        socket_factory=open_socket,
    )


def _socks(proxy: str, connections: int) -> aiohttp.BaseConnector:
    try:
        from aiohttp_socks import ProxyConnector
    except ImportError as error:
        raise UsageError(
            "A SOCKS proxy needs one more package: pip install 'aiodynaspark[socks]'."
        ) from error

    class Connector(_Counting, ProxyConnector):
        pass

    connector: aiohttp.BaseConnector = Connector.from_url(proxy, limit=connections)
    return connector


def abandon(session: aiohttp.ClientSession) -> None:
    """Close a session's connections after their loop was closed.

    On a closed loop nothing asynchronous works any more, a connection's own ``close`` included.
    The last step of closing, which asyncio would run later, needs no loop: it is run here.
    """
    connector: Any = session.connector
    session.detach()
    idle = [protocol for kept in connector._conns.values() for protocol, _ in kept]
    for protocol in (*idle, *connector._acquired):
        if protocol.transport is not None:
            _finish(protocol.transport)
    connector._conns.clear()
    connector._closed = True


def _finish(transport: Any) -> None:
    with suppress(RuntimeError):  # "Event loop is closed", raised after it marked itself closed
        transport.abort()
    plain = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
    if (finish := getattr(plain, "_call_connection_lost", None)) is not None:
        with suppress(RuntimeError):
            finish(None)
