"""Errors as OpenAI's wire has them; pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..errors import ModelNotFound, ResponseError, UsageError

if TYPE_CHECKING:
    from ..errors import DynasparkError

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def error_body(error: DynasparkError) -> dict[str, Any]:
    """``{"error": {"message", "type", "param", "code"}}`` of an error."""
    body = described(str(error), error.http_status)
    if isinstance(error, UsageError):
        body["error"]["param"] = error.param
    if isinstance(error, ModelNotFound):
        body["error"]["code"] = "model_not_found"
    elif isinstance(error, ResponseError) and error.code:
        body["error"]["code"] = error.code
    return body


def described(sentence: str, status: int) -> dict[str, Any]:
    """The same of a sentence and an HTTP status."""
    default = "server_error" if status >= 500 else "invalid_request_error"
    kind = KINDS.get(status, default)
    code = HTTPStatus(status).name.lower()
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}
