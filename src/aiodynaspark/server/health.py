"""``/health`` and ``/readyz``: whether the server lives, and whether its model answers."""

from __future__ import annotations

from aiohttp import web

from .._version import __version__
from .keys import CATALOG, READINESS

routes = web.RouteTableDef()

NAME = "aiodynaspark"
"""How our own server is told from another program on the same port."""


@routes.get("/health")
@routes.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Say that the server lives, and what it is."""
    models = request.app[CATALOG].names()
    return web.json_response(
        {"status": "ok", "name": NAME, "version": __version__, "models": models}
    )


@routes.get("/readyz")
async def ready(request: web.Request) -> web.Response:
    """Say whether the default model is open; 503 with the reason until it is."""
    reason = request.app[READINESS].reason
    if reason is None:
        return web.json_response({"status": "ready"})
    return web.json_response(
        {"status": "not ready", "error": reason}, status=503, headers={"retry-after": "1"}
    )
