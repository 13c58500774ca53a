"""``x-request-id`` on every answer: the client's own where it is harmless, else a new one."""

from __future__ import annotations

import re
import secrets

from aiohttp import web

_ID = web.RequestKey("request_id", str)
_HARMLESS = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def request_id(request: web.BaseRequest) -> str:
    """What a request is called, in its answer and in the log."""
    if _ID not in request:
        asked = request.headers.get("x-request-id", "")
        request[_ID] = asked if _HARMLESS.fullmatch(asked) else f"req_{secrets.token_hex(12)}"
    return request[_ID]


def name_request(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Put the id into an answer that is about to be sent."""
    response.headers["x-request-id"] = request_id(request)
