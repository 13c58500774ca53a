"""``/health``, ``/readyz`` and ``/metrics``: whether the server lives, answers, and how it does."""

from __future__ import annotations

from aiohttp import web

from .._version import __version__
from ..transport import current
from .gate import holds_key
from .keys import CATALOG, FIGURES, POLICY, READINESS, TRAFFIC
from .prometheus import CONTENT_TYPE

routes = web.RouteTableDef()

NAME = "aiodynaspark"
"""How our own server is told from another program on the same port."""


@routes.get("/health")
@routes.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Say that the server lives; and what it is, to those who may ask it."""
    answer: dict[str, object] = {"status": "ok", "name": NAME}
    if holds_key(request, request.app[POLICY]):
        answer |= {"version": __version__, "models": request.app[CATALOG].names()}
    return web.json_response(answer)


@routes.get("/readyz")
async def ready(request: web.Request) -> web.Response:
    """Say whether the default model is open and the server stays; 503 until then."""
    reason = request.app[READINESS].reason
    if request.app[TRAFFIC].stopping:
        reason = "The server is stopping."
    if reason is None:
        return web.json_response({"status": "ready"})
    answer = {"status": "not ready"}
    if holds_key(request, request.app[POLICY]):
        answer["error"] = reason
    return web.json_response(answer, status=503, headers={"retry-after": "1"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """The server's figures, in Prometheus' text format."""
    transport = await current()
    lines = request.app[FIGURES].render(
        in_flight=request.app[TRAFFIC].in_flight,
        retries=transport.retries,
        budget_left=transport.budget_left(),
    )
    return web.Response(text="".join(lines), headers={"content-type": CONTENT_TYPE})
