"""What handlers find in the application."""

from aiohttp import web

from .catalog import Catalog
from .figures import Figures
from .policy import Policy
from .readiness import Readiness
from .traffic import Traffic

CATALOG = web.AppKey("catalog", Catalog)
READINESS = web.AppKey("readiness", Readiness)
POLICY = web.AppKey("policy", Policy)
TRAFFIC = web.AppKey("traffic", Traffic)
FIGURES = web.AppKey("figures", Figures)
