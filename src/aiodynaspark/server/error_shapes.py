"""Whatever ends a request, in the shape of the wire that it came over; never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .._body import encode_json
from ..errors import UsageError
from .failures import headers_of, known
from .keys import POLICY
from .openai_errors import described, error_body
from .refusals import too_large

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from ..errors import DynasparkError

OPENAI_PATHS = ("/v1", "/openai")

_ADVICE = {
    404: "There is nothing at this path",
    405: "This path does not take that method",
    413: "The body is too large",
}


async def shape_errors(
    request: web.Request, answering: Awaitable[web.StreamResponse]
) -> web.StreamResponse:
    """Answer what was raised before an answer began."""
    try:
        return await answering
    except web.HTTPRequestEntityTooLarge:
        return answer_with(request.path, too_large(request.app[POLICY].max_body))
    except web.RequestPayloadError:
        return answer_with(request.path, _damaged())
    except web.HTTPException as error:
        advice = _ADVICE.get(error.status, error.reason)
        kept = {name: value for name, value in error.headers.items() if name == "Allow"}
        return shaped(request.path, error.status, f"{advice}.", kept)
    except Exception as error:
        if request.writer.output_size > 0 or isinstance(error, ConnectionError):
            raise  # the answer has begun, or nobody is there to read one
        return answer_with(request.path, known(error))


def answer_with(path: str, error: DynasparkError) -> web.Response:
    """An error as the wire of a path has it."""
    body = error_body(error) if path.startswith(OPENAI_PATHS) else {"error": str(error)}
    return _answer(body, error.http_status, headers_of(error))


def shaped(path: str, status: int, sentence: str, headers: Mapping[str, str]) -> web.Response:
    """A status and a sentence as the wire of a path has them."""
    ours = path.startswith(OPENAI_PATHS)
    return _answer(described(sentence, status) if ours else {"error": sentence}, status, headers)


def _damaged() -> UsageError:
    return UsageError("The body is not in the encoding that its headers name; send it anew.")


def _answer(body: object, status: int, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status, body=encode_json(body), content_type="application/json", headers=headers
    )
