"""The HTTP side: the wires, answered from any Model.

``app`` puts the routes together, ``listen`` binds, runs and stops, ``event_loop`` is what it runs
on, ``health`` says how things stand. ``form_wire``, ``query_wire`` and ``openai_wire`` answer: each
reads its request (``forms``, ``chat_request``, ``responses_request``), asks a model, and hands the
chunks to ``sending`` with what renders them (``form_answer``, ``query_answer``, ``chat_answer``,
``responses_answer``). ``pictures`` is the gate for pictures.

``policy`` says what is allowed, ``gate`` lets a request pass or not (``origins`` and ``api_keys``
decide), ``traffic`` counts what runs and ends it when the server stops, ``turns`` lets requests
begin a few at a time, ``error_shapes`` puts every failure into its wire's words. ``span`` is what
is known of a request while it is answered; ``observe`` feeds ``access_log`` and ``figures``.
``faults`` is a host that fails on purpose.
"""

from .api_keys import ApiKeys
from .app import make_app
from .catalog import Catalog
from .listen import run, running
from .policy import Policy

__all__ = ["ApiKeys", "Catalog", "Policy", "make_app", "run", "running"]
