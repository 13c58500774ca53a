"""One request: its attempts, and the answer of the one that succeeds."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import aiohttp
from yarl import URL

from .. import _retry
from .._inflate import accept_encoding
from ..errors import (
    DynasparkError,
    RateLimitError,
    ResponseError,
    TransportError,
    UsageError,
    error_for_status,
)
from .answer import Answer
from .border import refused_by_proxy, translate
from .cold_start import LONGEST, NOTICE_AFTER, ColdStart
from .connections import dialled
from .deadline import Deadline
from .request import log
from .upload import payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from types import TracebackType

    from .._proxy import Proxy
    from .answer import Decoder
    from .pool import Transport
    from .request import Request

MAX_HEADERS = 64 * 1024
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAFE_REDIRECTS = frozenset({307, 308})
"""Those that repeat the request as it was; the others may make a GET of it."""

PROXY_REFUSES = 407

T = TypeVar("T")


class Exchange(Generic[T]):
    """An asynchronous context manager over one request, and an iterator over its answer.

    The entry holds all attempts and ends with the first thing decoded, so that nothing can be
    repeated once something was handed on.
    """

    def __init__(
        self, transport: Transport, request: Request, decoder: Callable[[], Decoder[T]]
    ) -> None:
        self._transport = transport
        self._request = request
        self._new_decoder = decoder
        self._url = parse_url(request.url)
        self._where = str(self._url.origin())
        self._host = transport.host(self._where, request.key)
        self._deadline = Deadline(request.seconds, self._where, stream=not request.whole)
        self._failures: list[DynasparkError] = []
        self._response: aiohttp.ClientResponse | None = None
        self._batches: AsyncGenerator[list[T], None] | None = None
        self._first: list[T] = []
        self._notice: asyncio.TimerHandle | None = None
        self._headers = {
            "accept": "*/*",
            "accept-encoding": accept_encoding(),
            "idempotency-key": secrets.token_hex(16),
            **{name.lower(): value for name, value in request.headers.items()},
        }
        if request.body is not None:
            self._headers["content-type"] = request.body.content_type

    @property
    def response_headers(self) -> Mapping[str, str]:
        """The answer's headers, names in any case."""
        assert self._response is not None, "enter the exchange first"
        return self._response.headers

    async def __aenter__(self) -> Self:
        self._transport.active.add(self)
        try:
            await self._until_settled()
        except BaseException:
            await self._close()
            raise
        finally:
            if self._notice is not None:
                self._notice.cancel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    def __aiter__(self) -> Self:
        """Iterate lists of what was decoded, as the bytes arrive."""
        return self

    async def __anext__(self) -> list[T]:
        assert self._batches is not None, "enter the exchange first"
        if self._first:
            first, self._first = self._first, []
            return first
        try:
            return await anext(self._batches)
        except DynasparkError as error:
            error.retryable = False  # something was handed on
            raise

    async def _until_settled(self) -> None:
        while True:
            try:
                await self._in_turn()
            except DynasparkError as error:
                await self._drop_response()
                self._failures.append(error)
                await self._wait_or_give_up(error)
            else:
                self._host.budget.give_back(1 + sum(map(_retry.cost_of_retry, self._failures)))
                return

    async def _wait_or_give_up(self, error: DynasparkError) -> None:
        """Wait for the next attempt, or raise what the latest one ended with."""
        wait = _retry.wait_before_retry(
            self._failures,
            retries=self._request.allowed_retries,
            left=self._deadline.left(),
            jitter=random.random(),
        )
        waking = _retry.may_be_waking(error)
        if waking:
            self._transport.note_waking(self._where, _retry.WAKING_WAIT if wait is None else wait)
        if wait is None or not self._host.budget.take(_retry.cost_of_retry(error)):
            raise error
        self._transport.retries += 1
        log.info("attempt %d at %s failed; next in %.1f s", len(self._failures), self._where, wait)
        if not waking:  # else the queue behind the host does the waiting
            await self._sleep(wait)

    async def _in_turn(self) -> None:
        """Make one attempt when it is this request's turn."""
        await self._respect_limit()
        cold = self._transport.cold.get(self._where)
        if cold is None or cold.is_over(self._deadline.now()):
            await self._attempt()
        elif not await self._as_probe(cold):
            await self._attempt()

    async def _as_probe(self, cold: ColdStart) -> bool:
        """Queue behind a waking host; False where it woke before it was this request's turn."""
        if self._notice is None:
            loop = asyncio.get_running_loop()
            self._notice = loop.call_later(NOTICE_AFTER, self._tell_waking)
        async with cold.turn(self._deadline, self._transport.one_more_waiting) as probing:
            if probing:
                await self._probe(cold)
            return probing

    async def _probe(self, cold: ColdStart) -> None:
        """Make an attempt, and note how it went before the queue moves on."""
        try:
            await self._attempt()
        except DynasparkError as error:
            if not _retry.answered(error):
                cold.failed(self._deadline.now(), _retry.WAKING_WAIT)
                raise
            self._transport.note_awake(self._where)
            raise
        self._transport.note_awake(self._where)

    def _tell_waking(self) -> None:
        (self._request.notify or log.warning)(f"waking {self._url.host} (up to {LONGEST:.0f} s)")

    async def _respect_limit(self) -> None:
        while (wait := self._host.limit.wait(self._deadline.now())) > 0:
            if wait >= self._deadline.left():
                raise RateLimitError(
                    f"{self._where} takes no request for another {wait:.0f} s, which is past "
                    "the deadline; try again then.",
                    status=429,
                    retry_after=wait,
                )
            await self._sleep(wait)

    async def _attempt(self) -> None:
        """Send, check the status, and read up to the first thing decoded (or to the end)."""
        response = self._response = await self._send()
        retry_after = _retry.parse_retry_after(response.headers, time.time())
        self._host.limit.learn(
            response.headers,
            retry_after=retry_after,
            now=self._deadline.now(),
            epoch=time.time(),
        )
        answer = Answer[T](response, self._request, self._deadline, self._where)
        if response.status >= 300:
            raise error_for_status(
                response.status,
                headers=response.headers,
                body=await answer.excerpt(),
                where=self._where,
                retry_after=retry_after,
            )
        self._batches = answer.batches(self._new_decoder())
        self._first = await anext(self._batches, [])
        if self._request.whole:
            self._first += [item async for batch in self._batches for item in batch]

    async def _send(self) -> aiohttp.ClientResponse:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._response = await self._dial(url)
            if sum(len(name) + len(value) for name, value in response.raw_headers) > MAX_HEADERS:
                raise TransportError(
                    f"{self._where} answered with more than 64 KiB of headers; "
                    "report it to whoever runs the server.",
                    retryable=False,
                )
            if response.status == PROXY_REFUSES:
                raise refused_by_proxy(response.status, self._where)
            if response.status not in REDIRECTS:
                return response
            url = self._redirected(response)
            await self._drop_response()
        raise ResponseError(
            f"{self._where} redirected more than {MAX_REDIRECTS} times; check the URL.",
            status=response.status,
        )

    def _redirected(self, response: aiohttp.ClientResponse) -> URL:
        try:
            target = response.url.join(URL(response.headers["location"]))
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

    async def _dial(self, url: URL) -> aiohttp.ClientResponse:
        """Send once; once more, free, where a kept connection turned out to be dead."""
        before = dialled.get()
        try:
            return await self._send_once(url)
        except TransportError as error:
            reused = dialled.get() == before
            if not (reused and isinstance(error.__cause__, aiohttp.ClientConnectionError)):
                raise
        return await self._send_once(url)

    async def _send_once(self, url: URL) -> aiohttp.ClientResponse:
        request = self._request
        session, proxy = self._transport.session_for(url, request.proxy)
        sending = session.request(
            "GET" if request.body is None else "POST",
            url,
            data=None if request.body is None else payload(request.body),
            allow_redirects=False,
            **self._addressed(proxy, url),
        )
        try:
            return await self._deadline.bound(sending)
        except DynasparkError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error.__cause__, DynasparkError):
                raise error.__cause__ from None  # the body could not be read while it was sent
            raise translate(error, self._where, request.if_refused) from error

    def _addressed(self, proxy: Proxy | None, url: URL) -> dict[str, Any]:
        """The headers, and the proxy; credentials in its URL would end up in aiohttp's errors."""
        if proxy is None:
            return {"headers": self._headers}
        secret = {"proxy-authorization": proxy.authorization} if proxy.authorization else {}
        if url.scheme == "https":  # they are for the tunnel alone
            return {"headers": self._headers, "proxy": proxy.url, "proxy_headers": secret}
        return {"headers": self._headers | secret, "proxy": proxy.url}

    async def _sleep(self, seconds: float) -> None:
        with self._transport.one_more_waiting():
            await asyncio.sleep(seconds)

    async def _drop_response(self) -> None:
        if self._batches is not None:
            await self._batches.aclose()
            self._batches = None
        if self._response is not None:
            self._response.close()  # a no-op where the body was read to its end
            self._response = None

    async def _close(self) -> None:
        self._transport.active.discard(self)
        await self._drop_response()

    def abandon(self) -> None:
        """Mark the answer as closed, where no loop is left to close it with."""
        if self._response is not None:
            if self._response.connection is not None:
                self._response.connection.close()
            self._response.close()


def parse_url(url: str) -> URL:
    """Check a URL before anything is sent to it.

    Raises:
        UsageError: it is not an absolute http or https URL.
    """
    try:
        parsed = URL(url)
        if parsed.scheme in ("http", "https") and parsed.host and parsed.port:
            return parsed
    except (ValueError, TypeError):
        pass
    raise UsageError(
        f"{_without_credentials(url)!r} is not a URL that can be asked; "
        "write it like http://HOST:PORT."
    )


def _without_credentials(url: object) -> str:
    scheme, separator, rest = str(url).partition("://")
    return scheme + separator + rest.rpartition("@")[2]
