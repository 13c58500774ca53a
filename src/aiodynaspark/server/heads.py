"""What the heads of answers say: who answers, what the request is called, who may read it."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from .keys import POLICY, TRAFFIC
from .origins import normal_origin
from .span import span_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import HttpVersion, web

    from ..types import Loss
    from .policy import Policy
    from .span import Span

ALWAYS_SENT = {"server": "aiodynaspark", "x-content-type-options": "nosniff"}
"""Headers of every answer: no version of anything, and no guessing of types."""

MAX_LOSSES = 20


def common_headers(request: web.Request) -> dict[str, str]:
    """What every answer has, and what lets an allowed page read it."""
    return ALWAYS_SENT | own_headers(request, span_of(request), request.app[POLICY])


def own_headers(request: web.Request, span: Span, policy: Policy) -> dict[str, str]:
    """Those of them that differ from one request to the next."""
    headers = {"x-request-id": span.request_id}
    if request.path.startswith("/api/"):
        headers |= _limit(request, policy.max_requests)
    if origins := policy.origins:
        headers["vary"] = "Origin"
        origin = request.headers.get("origin")
        if origin is not None and normal_origin(origin) in origins:
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = "*"
    return headers


def losses_header(losses: Sequence[Loss]) -> dict[str, str]:
    """``x-dynaspark-losses: kind:name, ...`` where anything was lost; names percent-encoded."""
    if not losses:
        return {}
    shown = [f"{loss.kind}:{quote(loss.name[:100], safe='')}" for loss in losses[:MAX_LOSSES]]
    return {"x-dynaspark-losses": ", ".join(shown)}


def render_head(version: HttpVersion, content_type: str, headers: Mapping[str, str]) -> bytes:
    """The head of a model's answer, with status 200, as of now.

    Args:
        version: of HTTP, as the request has it.
        content_type: of the answer.
        headers: those that it does not share with every answer of that type.

    Raises:
        ValueError: a header holds what could end it, or is not ASCII.
    """
    if not "".join(headers.values()).isprintable():
        raise ValueError("A header of the answer holds a control character.")
    head = _beginning(version, content_type)
    for name, value in headers.items():
        head += f"{name}: {value}\r\n"
    return f"{head}{_date(int(time.time()))}\r\n".encode("ascii")


@lru_cache(maxsize=16)
def _beginning(version: HttpVersion, content_type: str) -> str:
    fields = {"content-type": content_type, "cache-control": "no-store", **ALWAYS_SENT}
    first = f"HTTP/{version.major}.{version.minor} 200 OK"
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in fields.items()), ""])


def _limit(request: web.Request, most: int) -> dict[str, str]:
    """How many more requests may run at once, now."""
    left = max(0, most - request.app[TRAFFIC].in_flight)
    return {
        "x-ratelimit-limit": str(most),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(int(time.time()) + 1),
    }


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"date: {formatdate(second, usegmt=True)}\r\n"
