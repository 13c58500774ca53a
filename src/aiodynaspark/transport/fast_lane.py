"""The short way of a usual request: connections of our own, without aiohttp's client on top.

That client takes more time than connecting, sending and parsing together. aiohttp still opens the
connections and parses the answers, through calls that are not documented; so they are made only
with releases that they were tested with. What is unusual, and everything with another release,
goes the public way.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

from .connections import CONNECT_TIMEOUT, Connector, finish
from .line import Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from yarl import URL

    from .._body import Body
    from .._proxy import Proxy
    from .corked import Cork
    from .deadline import Deadline
    from .line import Reply

TESTED = ("3.14.",)
"""How the versions begin whose inner calls are known here."""

LARGEST_BODY = 64 * 1024
"""Bytes that are handed to a connection at once; more is sent piece by piece, the public way."""

KEEP_ALIVE = 15.0
"""Seconds that a connection is idle before it is closed, at least; twice that at most."""

MAX_ROUTES = 256
FRAMING = frozenset(
    {"connection", "content-length", "cookie", "expect", "host", "transfer-encoding", "upgrade"}
)
"""Headers that change how a request is sent, where a caller sets them."""

KNOWN = aiohttp.__version__.startswith(TESTED)


def fits(url: URL, headers: Mapping[str, str], body: Body | None, proxy: Proxy | None) -> bool:
    """Whether a request is a usual one: a small form or JSON body, sent directly."""
    return (
        KNOWN
        and body is not None
        and body.attachment is None
        and len(body.head) <= LARGEST_BODY
        and proxy is None
        and url.raw_user is None
        and url.raw_password is None
        and FRAMING.isdisjoint(headers)
    )


class _Route(NamedTuple):
    """Where a URL leads: what tells a connector so, how each request begins, what is free."""

    request: aiohttp.ClientRequest
    head: bytes
    idle: list[Line]


class FastLane:
    """Sends usual requests over the connections of one event loop.

    Args:
        cork: sends them.
        keep_alive: seconds that a connection may be idle at least, twice that at most.
    """

    def __init__(self, cork: Cork, keep_alive: float = KEEP_ALIVE) -> None:
        self._keep_alive = keep_alive
        self._loop = asyncio.get_running_loop()
        self._lines: set[Line] = set()
        self._connector = Connector(protocol=partial(Line, self._loop, cork, self._lines))
        self._timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT)
        self._routes: dict[URL, _Route] = {}
        self._idle: dict[Any, list[Line]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def post(self, url: URL, headers: bytes, body: bytes, deadline: Deadline) -> Awaitable[Reply]:
        """Send a request and wait for the answer's head; to be awaited at once.

        Args:
            url: where to.
            headers: all lines but Host and Content-Length.
            body: the whole of it.
            deadline: the request's own.

        Raises:
            TransportTimeout: a limit passed.
            aiohttp.ClientError: as the public way would raise it.
        """
        route = self._routes.get(url) or self._learn(url)
        data = b"%b%bContent-Length: %d\r\n\r\n%b" % (route.head, headers, len(body), body)
        line = self._kept(route.idle)
        return self._dial(route, data, deadline) if line is None else line.ask(data, deadline)

    def idle(self) -> int:
        """How many connections are kept open for the next request."""
        return sum(line.idle_since is not None for line in self._lines)

    async def aclose(self) -> None:
        """Close every connection, idle or in use."""
        self._leave()
        closing = [line.closed for line in self._lines]
        for line in self._lines:
            line.close()
        if closing:
            await asyncio.wait(closing)
        await self._connector.close()

    def abandon(self) -> None:
        """Close every connection after the loop was closed."""
        self._leave()
        for line in list(self._lines):
            if line.transport is not None:
                finish(line.transport)
        self._connector._closed = True

    def _leave(self) -> None:
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()

    def _learn(self, url: URL) -> _Route:
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
            self._idle = {key: lines for key, lines in self._idle.items() if lines}
        request = aiohttp.ClientRequest("POST", url)
        head = f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {request.headers['Host']}\r\n"
        idle = self._idle.setdefault(request.connection_key, [])
        route = self._routes[url] = _Route(request, head.encode(), idle)
        return route

    def _kept(self, idle: list[Line]) -> Line | None:
        """The connection that was used last and can be used again."""
        while idle:
            line = idle.pop()
            line.idle_since = None
            if line.is_fresh():
                return line
            line.close()
        return None

    async def _dial(self, route: _Route, data: bytes, deadline: Deadline) -> Reply:
        """Open a connection and send a request over it."""
        line: Line = await deadline.bound(
            self._connector._create_connection(route.request, (), self._timeout)
        )
        line.idle = route.idle
        if self._closed:
            line.close()
        elif line.transport is not None:  # not sooner: uvloop ends what is cancelled untold
            self._lines.add(line)
            if self._sweep is None:
                self._sweep = self._loop.call_later(self._keep_alive, self._close_idle)
        return await line.ask(data, deadline)

    def _close_idle(self) -> None:
        """Close what was idle for too long; look again as long as something is open."""
        self._sweep = None
        oldest = self._loop.time() - self._keep_alive
        for line in self._lines:
            if line.idle_since is not None and line.idle_since <= oldest:
                line.close()
        if self._lines:
            self._sweep = self._loop.call_later(self._keep_alive, self._close_idle)
