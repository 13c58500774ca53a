"""The application: one catalog of models behind all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import form_wire, health, openai_wire, page, query_wire
from .error_shapes import shape_errors
from .figures import Figures
from .gate import gate
from .heads import common_headers
from .keys import CATALOG, FIGURES, POLICY, READINESS, TRAFFIC
from .observe import observe
from .policy import Policy
from .readiness import Readiness
from .traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .catalog import Catalog
    from .gate import Handler


def make_app(catalog: Catalog, policy: Policy | None = None) -> web.Application:
    """Make the application that answers from a catalog's models.

    Args:
        catalog: the models.
        policy: what is allowed; requests from this machine alone where it is not given.
    """
    policy = policy or Policy()
    readiness = Readiness(catalog)
    traffic, figures = Traffic(policy.max_requests), Figures()

    @web.middleware
    def answer(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """The way of every request: one middleware, since each costs as much as what these do."""
        passed = gate(request, handler, policy, traffic)
        return observe(request, shape_errors(request, passed), figures)

    app = web.Application(client_max_size=policy.max_body, middlewares=[answer])
    app[CATALOG] = catalog
    app[POLICY] = policy
    app[READINESS] = readiness
    app[TRAFFIC] = traffic
    app[FIGURES] = figures
    app.cleanup_ctx.append(readiness.run)
    app.on_response_prepare.append(_complete)
    app.add_routes(form_wire.routes)
    app.add_routes(openai_wire.routes)
    app.add_routes(query_wire.routes)
    app.add_routes(health.routes)
    app.add_routes(page.routes)
    return app


async def _complete(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer's head has."""
    response.headers.update(common_headers(request))
