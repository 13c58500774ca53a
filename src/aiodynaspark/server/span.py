"""What is known of a request while it is answered, from its head on."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

_HARMLESS = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Span:
    """One request's time, its name, and what it asked.

    Attributes:
        request_id: ``x-request-id`` of the answer: the client's own where it is harmless, else new.
        model: the catalog's name of the model that it asked, for the log and the figures; empty
            until then.

    Args:
        headers: the request's.
    """

    __slots__ = ("_started", "model", "request_id")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._started = time.monotonic()
        asked = headers.get("x-request-id", "")
        own = asked and _HARMLESS.fullmatch(asked)
        self.request_id = asked if own else f"req_{os.urandom(12).hex()}"
        self.model = ""

    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._started


_SPAN = web.RequestKey("span", Span)


def span_of(request: web.BaseRequest) -> Span:
    """The request's span, which begins where it is asked for first."""
    try:
        return request[_SPAN]
    except KeyError:
        span = request[_SPAN] = Span(request.headers)
        return span
