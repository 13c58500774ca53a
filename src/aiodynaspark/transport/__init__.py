"""Requests over pooled connections; with ``server``, the only place that knows aiohttp.

``pool`` holds what one event loop shares, ``slots`` says how many requests may be under way,
``exchange`` is one request with its attempts, ``sending`` sends one of them, by the ``fast_lane``
over its own ``line`` where it is a usual one (``corked`` sends many at a time), else by aiohttp's
client (``connections``); ``answer`` is the body as it arrives, ``border`` turns foreign errors into
ours, ``upload`` sends bodies in pieces, ``cold_start`` queues behind a host that is waking up.
"""

from .answer import Decoder
from .exchange import Exchange
from .pool import CONNECTIONS, Transport, current
from .request import Request

__all__ = ["CONNECTIONS", "Decoder", "Exchange", "Request", "Transport", "current"]
