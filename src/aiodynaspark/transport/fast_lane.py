"""The short way of a usual request: aiohttp's connections and parser, without its client on top.

That client takes more time than connecting, sending and parsing together. The calls made here
instead are not documented, so they are made only with releases of aiohttp that they were tested
with. What is unusual, and everything with another release, goes the public way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from .connections import MAX_HEADER, READ_BUFFER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection
    from multidict import CIMultiDictProxy
    from yarl import URL

    from .._body import Body
    from .._proxy import Proxy

TESTED = ("3.14.",)
"""How the versions begin whose inner calls are known here."""

LARGEST_BODY = 64 * 1024
"""Bytes that are handed to a connection at once; more is sent piece by piece, the public way."""

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
    """Where a URL leads: what tells a connector so, and how each request to it begins."""

    request: aiohttp.ClientRequest
    key: Any
    head: bytes


class FastLane:
    """Sends usual requests over the connections of one event loop."""

    def __init__(self) -> None:
        self._routes: dict[URL, _Route] = {}

    async def post(
        self, session: aiohttp.ClientSession, url: URL, headers: bytes, body: bytes
    ) -> Reply:
        """Send a request and wait for the answer's head.

        Args:
            session: whose connections to use.
            url: where to.
            headers: all lines but Host and Content-Length.
            body: the whole of it.

        Raises:
            aiohttp.ClientError: as the public way would raise it.
        """
        route = self._routes.get(url) or self._learn(url)
        connector: Any = session.connector
        connection: Connection | None = await connector._get(route.key, ())
        if connection is None:
            connection = await connector.connect(route.request, (), session.timeout)
        head = b"%b%bContent-Length: %d\r\n\r\n" % (route.head, headers, len(body))
        try:
            return await _converse(connection, url, head + body)
        except HttpProcessingError as error:
            connection.close()
            raise aiohttp.ClientResponseError(
                route.request.request_info, (), status=error.code, message=error.message
            ) from error
        except BaseException:
            connection.close()
            raise

    def _learn(self, url: URL) -> _Route:
        if len(self._routes) >= MAX_ROUTES:
            self._routes.clear()
        request = aiohttp.ClientRequest("POST", url)
        head = f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {request.headers['Host']}\r\n"
        route = self._routes[url] = _Route(request, request.connection_key, head.encode())
        return route


async def _converse(connection: Connection, url: URL, data: bytes) -> Reply:
    """Send a request's bytes and read up to the answer's body."""
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:
        raise aiohttp.ClientConnectionResetError("The connection was closed in the meantime")
    protocol.set_response_params(
        read_until_eof=True,
        auto_decompress=False,
        read_bufsize=READ_BUFFER,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )
    protocol.transport.write(data)
    while True:
        message, content = await protocol.read()
        if message.code >= 200 or message.code == 101:
            return Reply(connection, url, message, content)


class Reply:
    """An answer whose head has arrived: of aiohttp's response, what is used here.

    Attributes:
        url: what was asked.
        status: the HTTP status.
        headers: names in any case.
        raw_headers: as they came.
        content: the body as it arrives; at its end the connection is free for another request.
        connection: None once it was given back or closed.
    """

    def __init__(
        self, connection: Connection, url: URL, message: Any, content: aiohttp.StreamReader
    ) -> None:
        self.url = url
        self.status: int = message.code
        self.headers: CIMultiDictProxy[str] = message.headers
        self.raw_headers: tuple[tuple[bytes, bytes], ...] = message.raw_headers
        self.content = content
        self.connection: Connection | None = connection
        content.on_eof(self._release)

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _release(self) -> None:
        if self.connection is not None:
            self.connection.release()
            self.connection = None


Response: TypeAlias = aiohttp.ClientResponse | Reply
