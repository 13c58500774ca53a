"""What errors come to over HTTP."""

from __future__ import annotations

import logging
import traceback

from ..errors import DynasparkError, ResponseError
from .refusals import Busy, Refused, Stopping

log = logging.getLogger("aiodynaspark.server")


def headers_of(error: DynasparkError) -> dict[str, str]:
    """The headers that go with an error, such as ``retry-after`` where it knows when."""
    if isinstance(error, Refused | Busy | Stopping):
        return error.headers
    if isinstance(error, ResponseError) and error.retry_after:
        return {"retry-after": str(max(1, round(error.retry_after)))}
    return {}


def known(error: Exception) -> DynasparkError:
    """The error itself where it is ours; else a plain one, with its place in the log alone.

    The words of a foreign error stay out of the log, too: they may quote a prompt or a key.
    """
    if isinstance(error, DynasparkError):
        return error
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("A model failed with %s:\n%s", type(error).__name__, where)
    return DynasparkError("The model failed unexpectedly; the server's log says more.")
