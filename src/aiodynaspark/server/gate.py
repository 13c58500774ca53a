"""What each request has to pass, in this order, before it is answered.

Host, page, key, size, and how many are running: the decisions are made elsewhere, purely.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from aiohttp import web

from .origins import check_host, check_page
from .refusals import KeyRefused, NotJson, TooSlow, too_large

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aiohttp import StreamReader

    from .policy import Policy
    from .traffic import Traffic

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC = frozenset({"/", "/health", "/healthz", "/readyz"})
"""Paths that need no key: load balancers have none, and a page must load to be given one."""

PAGE = "/page/"
"""Where the page's own files are."""

ALWAYS = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
"""Paths that are answered however many requests are running."""

_HEADER_NAMES = re.compile(r"[A-Za-z0-9_, -]{1,2000}")


async def gate(
    request: web.Request, handler: Handler, policy: Policy, traffic: Traffic
) -> web.StreamResponse:
    """Let a request pass, or raise what it is refused with."""
    check_host(request.headers.getall("host", ()), policy.hosts)
    check_page(request.headers, method=request.method, path=request.path, allowed=policy.origins)
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return _preflight(request)
    if not is_public(request.path) and not holds_key(request, policy):
        raise KeyRefused(
            "This server needs a key; send it as Authorization: Bearer KEY, or as x-api-key."
        )
    if (request.content_length or 0) > policy.max_body:
        raise too_large(policy.max_body)
    if request.path in ALWAYS:
        return await handler(request)
    timer = _limit_body(request.content, policy.body)
    try:
        if not traffic.turns.take():
            await traffic.turns.wait()
        with traffic:  # what waits for its turn is not running yet
            return await handler(request)
    finally:
        if timer is not None:
            timer.cancel()


def is_public(path: str) -> bool:
    """Whether a path is answered without a key."""
    return path in PUBLIC or path.startswith(PAGE)


def holds_key(request: web.Request, policy: Policy) -> bool:
    """Whether a request shows a key that fits, or none is needed."""
    return policy.keys.admit(_offered(request))


def require_json(request: web.Request) -> None:
    """Let a request pass whose body says that it is JSON, which no form of a web page can say.

    Raises:
        NotJson: it says something else, or nothing.
    """
    if not is_json(request.content_type):
        raise NotJson("This route takes JSON; send content-type: application/json.")


def is_json(content_type: str) -> bool:
    """Whether a content type, in lower case and without parameters, is one of JSON's."""
    return re.fullmatch(r"application/(json|[^/]+\+json)", content_type) is not None


def _preflight(request: web.Request) -> web.Response:
    """Answer a browser that asks whether its page may ask; that it may was decided before."""
    wanted = request.headers.get("access-control-request-headers", "")
    allowed = {"access-control-allow-methods": "GET, POST", "access-control-max-age": "600"}
    if _HEADER_NAMES.fullmatch(wanted):
        allowed["access-control-allow-headers"] = wanted
    if "access-control-request-private-network" in request.headers:
        allowed["access-control-allow-private-network"] = "true"
    return web.Response(status=204, headers=allowed)


def _offered(request: web.Request) -> Iterator[bytes]:
    for value in request.headers.getall("authorization", ()):
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "bearer":
            yield _bytes(key.strip())
    for value in request.headers.getall("x-api-key", ()):
        yield _bytes(value.strip())
    if request.path.startswith("/api/"):
        for value in request.query.getall("api_key", ()):
            yield _bytes(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _limit_body(content: StreamReader, seconds: float) -> asyncio.TimerHandle | None:
    """Make reading a body that is not there yet fail once its time is over."""
    if content.is_eof():
        return None

    def expire() -> None:
        if not content.is_eof():
            content.set_exception(
                TooSlow(f"The body did not arrive within {seconds:g} s; send it faster.")
            )

    return asyncio.get_running_loop().call_later(seconds, expire)
