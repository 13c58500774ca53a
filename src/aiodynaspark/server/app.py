"""The application: one catalog of models behind all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import form_wire, health, openai_wire, page, query_wire
from .error_shapes import shape_errors
from .figures import Figures
from .gate import add_headers, gate
from .keys import CATALOG, FIGURES, POLICY, READINESS, TRAFFIC
from .observe import note_first_piece, observe
from .policy import Policy
from .readiness import Readiness
from .request_ids import name_request
from .traffic import Traffic

if TYPE_CHECKING:
    from .catalog import Catalog


def make_app(catalog: Catalog, policy: Policy | None = None) -> web.Application:
    """Make the application that answers from a catalog's models.

    Args:
        catalog: the models.
        policy: what is allowed; requests from this machine alone where it is not given.
    """
    policy = policy or Policy()
    readiness = Readiness(catalog)
    app = web.Application(
        client_max_size=policy.max_body, middlewares=[observe, shape_errors, gate]
    )
    app[CATALOG] = catalog
    app[POLICY] = policy
    app[READINESS] = readiness
    app[TRAFFIC] = Traffic(policy.max_requests)
    app[FIGURES] = Figures()
    app.cleanup_ctx.append(readiness.run)
    app.on_response_prepare.append(name_request)
    app.on_response_prepare.append(query_wire.tell_limit)
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(note_first_piece)
    app.add_routes(form_wire.routes)
    app.add_routes(openai_wire.routes)
    app.add_routes(query_wire.routes)
    app.add_routes(health.routes)
    app.add_routes(page.routes)
    return app
