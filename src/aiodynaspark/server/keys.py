"""What handlers find in the application."""

from aiohttp import web

from .catalog import Catalog
from .readiness import Readiness

CATALOG = web.AppKey("catalog", Catalog)
READINESS = web.AppKey("readiness", Readiness)
