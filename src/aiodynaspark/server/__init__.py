"""The HTTP side: the wires, answered from any Model.

``app`` puts the routes together, ``form_wire`` answers the Dynaspark form, ``forms`` reads it,
``health`` says how things stand, ``listen`` binds, runs and stops.
"""

from .app import make_app
from .catalog import Catalog
from .listen import run, running

__all__ = ["Catalog", "make_app", "run", "running"]
