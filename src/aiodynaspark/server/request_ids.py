"""``x-request-id`` on every answer: the client's own where it is harmless, else a new one."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

_HARMLESS = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


async def name_request(request: web.Request, response: web.StreamResponse) -> None:
    """Put the id into an answer that is about to be sent."""
    asked = request.headers.get("x-request-id", "")
    response.headers["x-request-id"] = asked if _HARMLESS.fullmatch(asked) else _new()


def _new() -> str:
    return f"req_{secrets.token_hex(12)}"
