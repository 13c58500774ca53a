"""Errors as HTTP answers."""

from __future__ import annotations

import logging

from aiohttp import web

from ..errors import DynasparkError, ResponseError

log = logging.getLogger("aiodynaspark.server")


def as_json(error: DynasparkError) -> web.Response:
    """The form wire's error: ``{"error": "..."}`` with the status that the error stands for."""
    return web.json_response(
        {"error": str(error)}, status=error.http_status, headers=retry_headers(error)
    )


def retry_headers(error: DynasparkError) -> dict[str, str]:
    """``retry-after`` where the error knows when to come back."""
    if isinstance(error, ResponseError) and error.retry_after:
        return {"retry-after": str(max(1, round(error.retry_after)))}
    return {}


def known(error: Exception) -> DynasparkError:
    """The error itself where it is ours; else a plain one, with the details in the log alone."""
    if isinstance(error, DynasparkError):
        return error
    log.error("a provider failed", exc_info=error)
    return DynasparkError("The model failed unexpectedly; the server's log says more.")
