"""The smallest gateway for the form wire that aiohttp's documentation leads to.

``python -m bench.contenders.gateway_aiohttp UPSTREAM PORT [--reuse-port]``
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UPSTREAM = web.AppKey("upstream", str)
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def open_session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:
        app[SESSION] = session
        yield


async def generate(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    url = request.app[UPSTREAM] + "/generate_response"
    fields = {"user_input": str(form["user_input"]), "ai_model": str(form.get("ai_model", ""))}
    async with request.app[SESSION].post(url, data=fields) as answer:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    return response


if __name__ == "__main__":
    app = web.Application()
    app[UPSTREAM] = sys.argv[1]
    app.cleanup_ctx.append(open_session)
    app.router.add_post("/generate_response", generate)
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        reuse_port="--reuse-port" in sys.argv or None,
        access_log=None,
        print=None,
    )
