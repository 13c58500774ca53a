"""One request on its way: over which connection, with which headers, and where it is sent on to."""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from .._headers import lines
from .._url import without_credentials
from ..errors import DynasparkError, ResponseError, TransportError, UsageError
from . import fast_lane
from .border import refused_by_proxy, translate
from .connections import dialled
from .upload import payload

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .._proxy import Proxy
    from .deadline import Deadline
    from .line import Response
    from .pool import Transport
    from .request import Request

MAX_HEADERS = 64 * 1024
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAFE_REDIRECTS = frozenset({307, 308})
"""Those that repeat the request as it was; the others may make a GET of it."""

PROXY_REFUSES = 407


class Sending:
    """Sends one request, again where it is asked to, and gives the response to it."""

    def __init__(
        self, transport: Transport, request: Request, url: URL, where: str, deadline: Deadline
    ) -> None:
        self._transport = transport
        self._request = request
        self._url = url
        self._where = where
        self._deadline = deadline
        self._idempotency_key = os.urandom(16).hex()  # the same on each attempt

    async def send(self) -> Response:
        """Send it, and follow redirects on the same origin.

        Raises:
            ConnectError: no connection came about, or a proxy refuses it.
            TransportTimeout: the deadline or the idle limit passed.
            TransportError: no usable answer came.
            ResponseError: a redirect that is not followed.
        """
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = await self._dial(self._without_rival(url))
            except DynasparkError:
                raise
            except (aiohttp.ClientError, OSError) as error:
                if isinstance(error.__cause__, DynasparkError):
                    raise error.__cause__ from None  # the body could not be read as it was sent
                raise translate(error, self._where, self._request.if_refused) from error
            try:
                self._check(response)
                if response.status not in REDIRECTS:
                    return response
                url = self._redirected(response, url)
            except DynasparkError:
                response.close()
                raise
            response.close()
        raise ResponseError(
            f"{self._where} redirected more than {MAX_REDIRECTS} times; check the URL.",
            status=response.status,
        )

    def _without_rival(self, url: URL) -> URL:
        """The URL without credentials where a header has some: the header wins."""
        if url.raw_user is None and url.raw_password is None:
            return url
        return url.with_user(None) if "authorization" in self._request.headers.fields else url

    def _check(self, response: Response) -> None:
        if sum(map(len, chain.from_iterable(response.raw_headers))) > MAX_HEADERS:
            raise TransportError(
                f"{self._where} answered with more than 64 KiB of headers; "
                "report it to whoever runs the server.",
                retryable=False,
            )
        if response.status == PROXY_REFUSES:
            raise refused_by_proxy(response.status, self._where)

    def _redirected(self, response: Response, url: URL) -> URL:
        try:
            target = url.join(URL(response.headers["location"]))
            if response.status in SAFE_REDIRECTS and target.origin() == self._url.origin():
                return target
        except (ValueError, KeyError):
            pass
        raise ResponseError(
            f"{self._where} answered {response.status}, a redirect that is not followed: it leads "
            "elsewhere or would lose the request; if you trust that place, set its URL.",
            status=response.status,
            headers=response.headers,
        )

    async def _dial(self, url: URL) -> Response:
        """Send once; once more, free, where a kept connection turned out to be dead."""
        before = dialled.get()
        try:
            return await self._way(url)
        except aiohttp.ClientConnectionError as error:
            if dialled.get() != before or isinstance(error.__cause__, DynasparkError):
                raise
        return await self._way(url)

    def _way(self, url: URL) -> Awaitable[Response]:
        """What sends the request within the deadline: the short way, or the public one."""
        request = self._request
        ways, proxy = self._transport.ways_to(url, request.proxy)
        if fast_lane.fits(url, request.headers.fields, request.body, proxy):
            assert request.body is not None
            headers = request.headers.lines + lines(self._own_fields())
            return ways.lane.post(url, headers, request.body.head, self._deadline)
        asking = ways.session.request(
            "GET" if request.body is None else "POST",
            url,
            data=None if request.body is None else payload(request.body),
            allow_redirects=False,
            **self._addressed(proxy, url),
        )
        return self._deadline.bound(asking)

    def _own_fields(self) -> dict[str, str]:
        """Header fields that other requests do not share."""
        fields = {}
        if "idempotency-key" not in self._request.headers.fields:
            fields["idempotency-key"] = self._idempotency_key
        if self._request.body is not None:
            fields["content-type"] = self._request.body.content_type
        return fields

    def _addressed(self, proxy: Proxy | None, url: URL) -> dict[str, Any]:
        """The headers, and the proxy; credentials in its URL would end up in aiohttp's errors."""
        headers = self._request.headers.fields | self._own_fields()
        if proxy is None or proxy.is_socks:
            return {"headers": headers}
        secret = {"proxy-authorization": proxy.authorization} if proxy.authorization else {}
        if url.scheme == "https":  # they are for the tunnel alone
            return {"headers": headers, "proxy": proxy.url, "proxy_headers": secret}
        return {"headers": headers | secret, "proxy": proxy.url}


def parse_url(url: str) -> tuple[URL, str]:
    """Check a URL before anything is sent to it; return it with its origin as it may be shown.

    Raises:
        UsageError: it is not an absolute http or https URL.
    """
    # A query may be a prompt or hold a key: nothing of it stays.
    return _parse(url) if "?" in url else _parse_once(url)


def _parse(url: str) -> tuple[URL, str]:
    try:
        parsed = URL(url)
        if parsed.scheme in ("http", "https") and parsed.raw_host and parsed.port:
            parsed.raw_host.encode("idna")  # as the system will, to look it up
            return parsed, str(parsed.origin())
    except (ValueError, TypeError):
        pass
    raise UsageError(
        f"{without_credentials(url)!r} is not a URL that can be asked; "
        "write it like http://HOST:PORT."
    )


_parse_once = lru_cache(maxsize=256)(_parse)
