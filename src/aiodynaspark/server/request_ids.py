"""``x-request-id`` on every answer: the client's own where it is harmless, else a new one."""

from __future__ import annotations

import os
import re

from aiohttp import web

_ID = web.RequestKey("request_id", str)
_HARMLESS = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def request_id(request: web.BaseRequest) -> str:
    """What a request is called, in its answer and in the log."""
    known = request.get(_ID)
    if known is None:
        asked = request.headers.get("x-request-id", "")
        known = asked if asked and _HARMLESS.fullmatch(asked) else f"req_{os.urandom(12).hex()}"
        request[_ID] = known
    return known
