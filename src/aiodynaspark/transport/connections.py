"""How connections are opened, counted, and closed even where their loop is gone."""

from __future__ import annotations

import asyncio
import select
from contextlib import suppress
from contextvars import ContextVar
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from ..errors import ConnectError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._proxy import Proxy

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection with its TLS handshake."""

MAX_HEADER = 32 * 1024
"""Bytes of one response header."""

SOCKET_READ = 128 * 1024
"""Bytes read from a connection at a time."""

READ_BUFFER = 128 * 1024
"""Bytes of a body that may wait to be read; at twice as many the connection is told to wait."""

FREED = 4 * 1024 * 1024
"""Bytes of a block that glibc is to have seen freed: it keeps up to twice as many."""

dialled: ContextVar[int] = ContextVar("dialled", default=0)
"""How many connections the current context has opened: unchanged means that one was used again."""


class _Protocol(ResponseHandler):
    """Tells a body's reader what aiohttp's own does not: that it is cut, by the parser or by us."""

    _ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if hasattr(transport, "max_size"):
            transport.max_size = SOCKET_READ
        super().connection_made(transport)

    def pause_reading(self) -> None:
        if not self._ended:
            super().pause_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._ended = True
        if exc is not None:
            self._break_off()
        elif self._reading_paused:
            self.data_received(b"")  # what the parser was stopped in
        super().connection_lost(exc)

    def close(self) -> None:
        self._break_off()
        super().close()

    def abort(self) -> None:
        self._break_off()
        super().abort()

    def _break_off(self) -> None:
        """Else this end would be that of a body without a length."""
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientConnectionError("The connection was closed"))

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        body = self._payload
        super().set_exception(exc, *cause)
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(NotHttp())


class NotHttp(aiohttp.ClientPayloadError):
    """A body's framing is malformed."""


class Connector(aiohttp.TCPConnector):
    """Opens connections and counts them; how many may be in use is the transport's affair.

    Args:
        protocol: makes what asyncio talks to; aiohttp's own where it is not given.
    """

    def __init__(
        self, *args: Any, protocol: Callable[[], asyncio.Protocol] | None = None, **kwargs: Any
    ) -> None:
        _keep_freed_memory()
        kwargs |= {"limit": 0, "timeout_ceil_threshold": 2 * CONNECT_TIMEOUT}
        super().__init__(*args, **kwargs)
        self._factory: Any = protocol or partial(_Protocol, self._loop)

    async def _get(self, *args: Any, **kwargs: Any) -> Any:
        """A kept connection; one on which something came unasked would answer with that."""
        while (kept := await super()._get(*args, **kwargs)) is not None:
            if not _is_stale(kept.protocol):
                return kept
            kept.close()
        return None

    async def _create_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Open one; closing fails who looks a name up, where aiohttp's own cancels it."""
        dialled.set(dialled.get() + 1)
        try:
            return await super()._create_connection(*args, **kwargs)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.closed and task is not None and not task.cancelling():
                raise aiohttp.ClientConnectionError("The connector was closed") from None
            raise


@cache
def _keep_freed_memory() -> None:
    """Have glibc keep what a large body's pieces leave; to fetch it anew for each takes longer.

    How much it keeps follows the largest block that was freed so far, up to 32 MiB.
    """
    bytes(FREED)


def _is_stale(protocol: Any) -> bool:
    """Whether a connection holds bytes, or its end, that nobody has read yet."""
    if protocol.should_close or protocol.transport is None:
        return True
    if (readable := getattr(protocol, "readable", None)) is None:
        readable = protocol.readable = watch(protocol.transport.get_extra_info("socket").fileno())
    return bool(readable())


def watch(descriptor: int) -> Callable[[], bool]:
    """Make what tells whether a read from a socket would return at once."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
    watched = select.poll()
    watched.register(descriptor, select.POLLIN)
    return lambda: bool(watched.poll(0))


def open_session(socks: Proxy | None) -> aiohttp.ClientSession:
    """Make a session for direct and http-proxied requests, or for one SOCKS proxy."""
    return aiohttp.ClientSession(
        connector=_through(socks) if socks else Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT),
        auto_decompress=False,
        read_bufsize=READ_BUFFER,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )


def _through(proxy: Proxy) -> aiohttp.BaseConnector:
    try:
        import aiohttp_socks
    except ImportError as error:
        raise UsageError(
            "A SOCKS proxy needs one more package: pip install 'aiodynaspark[socks]'."
        ) from error

    class ThroughSocks(Connector, aiohttp_socks.ProxyConnector):
        async def _create_connection(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return await super()._create_connection(*args, **kwargs)
            except aiohttp_socks.ProxyError as error:
                raise ConnectError(
                    f"The SOCKS proxy refused: {one_line(str(error)).rstrip('.')}; "
                    "check its credentials and the address asked for."
                ) from error
            except (aiohttp_socks.ProxyConnectionError, aiohttp_socks.ProxyTimeoutError) as error:
                raise ConnectError(
                    "The SOCKS proxy cannot be reached; check its address."
                ) from error

    connector: aiohttp.BaseConnector = ThroughSocks(
        proxy.host,
        proxy.port,
        proxy_type=aiohttp_socks.ProxyType[proxy.scheme.rstrip("h").upper()],
        username=proxy.user,
        password=proxy.password,
    )
    return connector


def idle(session: aiohttp.ClientSession) -> int:
    """How many connections are kept open for the next request."""
    connector: Any = session.connector
    kept = [protocol for pool in connector._conns.values() for protocol, _ in pool]
    return sum(protocol.is_connected() for protocol in kept)


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
            finish(protocol.transport)
    connector._conns.clear()
    connector._closed = True


def finish(transport: Any) -> None:
    """Do the last step of closing a connection whose loop is closed."""
    with suppress(RuntimeError):  # "Event loop is closed", raised after it marked itself closed
        transport.abort()
    plain = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
    if (finish := getattr(plain, "_call_connection_lost", None)) is not None:
        with suppress(RuntimeError):
            finish(None)
