"""The errors, drawn first.

::

    DynasparkError
      UsageError                the caller's fault, nothing was sent
        ProviderNotFound
        ModelNotFound
        UnsupportedMedia        also a ValueError
      ModelUnavailable          the embedded model cannot run on this machine as it is
      TransportError            no usable answer
        ConnectError
        TransportTimeout        also a TimeoutError
      ResponseError             upstream answered: .status .headers .body
        AuthenticationError     401, 403
        RateLimitError          429, 402: .retry_after
        UpstreamError           5xx
      StreamError               a good status, then malformed or cut: .partial

A message is one sentence: what happened, where, and what to do about it. None of them shows
HTML, a key or a prompt. Nobody matches on message text: ``retryable`` drives the retries,
``http_status`` the server, ``exit_code`` the command line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ._retry_after import in_words, parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AuthenticationError",
    "ConnectError",
    "DynasparkError",
    "ModelNotFound",
    "ModelUnavailable",
    "ProviderNotFound",
    "RateLimitError",
    "ResponseError",
    "StreamError",
    "TransportError",
    "TransportTimeout",
    "UnsupportedMedia",
    "UpstreamError",
    "UsageError",
    "error_for_status",
    "raise_for_status",
]

BODY_EXCERPT = 65_536
"""How much of an error's body is read and kept, in bytes."""

SPENT = "insufficient_quota"
"""The code of an error that waiting does not help."""

RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 525), 529})


class DynasparkError(Exception):
    """Anything this package raises on purpose."""

    http_status: ClassVar[int] = 500
    """What our server answers when this error ends a request."""

    exit_code: ClassVar[int] = 1
    """What the command line ends with."""

    retryable: bool = False
    """Whether the same request may well succeed if it is sent again."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception rebuilds itself as cls(*args), which keyword-only arguments break.
        return _revive, (type(self), self.args, self.__dict__)


def _revive(
    cls: type[DynasparkError], args: tuple[Any, ...], state: dict[str, Any]
) -> DynasparkError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(DynasparkError):
    """The caller's fault; nothing was sent.

    Attributes:
        param: the field of a request that is at fault, where there is one to name.
    """

    http_status = 400
    exit_code = 2

    def __init__(self, *args: object, param: str | None = None) -> None:
        super().__init__(*args)
        self.param = param


class ProviderNotFound(UsageError):
    """No provider of that name is installed."""


class ModelNotFound(UsageError):
    """The provider has no model of that name."""

    http_status = 404


class UnsupportedMedia(UsageError, ValueError):
    """The bytes are no picture that this wire carries."""


class ModelUnavailable(DynasparkError):
    """The embedded model cannot run: its engine, its weights or a part is missing or damaged."""

    http_status = 503


class TransportError(DynasparkError):
    """No usable answer came back."""

    http_status = 502

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class ConnectError(TransportError):
    """The connection could not be made (name, network, TLS or proxy)."""


class TransportTimeout(TransportError, TimeoutError):
    """The deadline or the idle limit passed.

    Attributes:
        partial: the text that had arrived by then.
    """

    http_status = 504
    partial: str = ""


class ResponseError(DynasparkError):
    """Upstream answered with an error.

    Attributes:
        status: the HTTP status.
        headers: the response's headers, names in lower case.
        body: an excerpt of the body, at most 64 KiB.
        code: the error's own code where its JSON names one, else None.
        retry_after: how long to wait before asking again, in seconds, where it said so.
    """

    http_status = 400

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.body = body[:BODY_EXCERPT]
        self.code = code
        self.retry_after = retry_after
        self.retryable = status in RETRYABLE_STATUSES and code != SPENT


class AuthenticationError(ResponseError):
    """401 or 403: the key is missing, wrong or not allowed to do this."""

    http_status = 502  # behind our server it is our key that upstream refused
    exit_code = 4


class RateLimitError(ResponseError):
    """429 or 402: too many requests, or nothing left to spend."""

    http_status = 429
    exit_code = 5


class UpstreamError(ResponseError):
    """5xx: the server failed."""

    http_status = 502


class StreamError(DynasparkError):
    """A good status, then a body that is malformed or cut.

    Attributes:
        partial: the text that had arrived before the fault.
        retry_once: no answer at all (a page of HTML, an empty body), worth one more attempt.
    """

    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        partial: str = "",
        retryable: bool = False,
        retry_once: bool = False,
    ) -> None:
        super().__init__(message)
        self.partial = partial
        self.retryable = retryable or retry_once
        self.retry_once = retry_once


def error_for_status(
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    where: str = "the server",
    retry_after: float | None = None,
) -> ResponseError:
    """Make the error that an HTTP status stands for; pure.

    Args:
        status: an HTTP status of 400 or more, or of a 2xx whose body holds an error.
        headers: the response's headers.
        body: the body or its beginning; a JSON ``error`` (or its ``message``) is quoted.
        where: who answered, for the message.
        retry_after: what the response asked for, in seconds.
    """
    said, code = _what_it_said(body)
    if code is None and said == SPENT:
        code = said
    kind, advice = _kind(status)
    if code == SPENT:
        _, advice = _kind(402)
    if retry_after is not None and kind is not AuthenticationError:
        advice = f"try again in {in_words(retry_after)}"
    message = f"{where} answered {status} {_phrase(status)}".rstrip()
    message += f": {said.rstrip('.')}" if said else ""
    return kind(
        f"{message}; {advice}." if advice else f"{message}.",
        status=status,
        headers=headers,
        body=body,
        code=code,
        retry_after=retry_after,
    )


def _kind(status: int) -> tuple[type[ResponseError], str]:
    if status in (401, 403):
        return AuthenticationError, "check the API key"
    if status == 402:
        return RateLimitError, "check the account's balance"
    if status == 429:
        return RateLimitError, "ask less often or try again later"
    if status >= 500:
        return UpstreamError, "try again later"
    return ResponseError, ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _what_it_said(body: bytes) -> tuple[str, str | None]:
    """Read ``error``, ``error.message`` and ``error.code`` (or type) out of a JSON body."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "", None
    error = data.get("error") if isinstance(data, dict) else None
    code = None
    if isinstance(error, dict):
        named = [error.get("code"), error.get("type")]
        code = next((name for name in named if isinstance(name, str)), None)
        error = error.get("message")
    return one_line(error) if isinstance(error, str) else "", code


def one_line(text: str, limit: int = 300) -> str:
    """Make a foreign text part of a sentence: one line, bounded, printable, never a page."""
    if "<html" in text.lower() or "<!doctype" in text.lower():
        return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 4]).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


async def raise_for_status(response: Any, message: str | None = None) -> None:
    """Raise the error that a response's status stands for; do nothing below 400.

    Args:
        response: an aiohttp response, or any object with ``status`` (or ``status_code``); of its
            ``headers`` and its body (``read()``, awaitable or not, or ``content``) what there is.
        message: what the error shall say instead of our own sentence.

    Raises:
        AuthenticationError: 401, 403.
        RateLimitError: 402, 429.
        UpstreamError: 5xx.
        ResponseError: any other 4xx.
    """
    status = getattr(response, "status", None) or response.status_code
    if status < 400:
        return
    body = response.read() if hasattr(response, "read") else getattr(response, "content", b"")
    if isinstance(body, Awaitable):
        body = await body
    given = getattr(response, "headers", None) or {}
    headers = {name.lower(): value for name, value in given.items()}
    _raise(status, headers, body if isinstance(body, bytes) else b"", message)


def _raise(status: int, headers: dict[str, str], body: bytes, message: str | None) -> NoReturn:
    retry_after = parse_retry_after(headers, time.time())
    error = error_for_status(status, headers=headers, body=body, retry_after=retry_after)
    if message is not None:
        error.args = (message,)
    raise error
