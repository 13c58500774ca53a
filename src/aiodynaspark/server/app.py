"""The application: one catalog of models behind all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import form_wire, health
from .keys import CATALOG, READINESS
from .readiness import Readiness

if TYPE_CHECKING:
    from .catalog import Catalog

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one request's body."""


def make_app(catalog: Catalog) -> web.Application:
    """Make the application that answers from a catalog's models."""
    app = web.Application(client_max_size=MAX_BODY)
    readiness = Readiness(catalog)
    app[CATALOG] = catalog
    app[READINESS] = readiness
    app.cleanup_ctx.append(readiness.run)
    app.add_routes(form_wire.routes)
    app.add_routes(health.routes)
    return app
