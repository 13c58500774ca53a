"""The HTTP side: the wires, answered from any Model.

``app`` puts the routes together, ``form_wire`` answers the Dynaspark form, ``forms`` reads it,
``health`` says how things stand, ``listen`` binds, runs and stops.

``policy`` says what is allowed, ``gate`` lets a request pass or not (``origins`` and ``api_keys``
decide), ``traffic`` counts what runs and ends it when the server stops, ``error_shapes`` puts
every failure into its wire's words, ``observe`` feeds ``access_log`` and ``figures``.
"""

from .api_keys import ApiKeys
from .app import make_app
from .catalog import Catalog
from .listen import run, running
from .policy import Policy

__all__ = ["ApiKeys", "Catalog", "Policy", "make_app", "run", "running"]
