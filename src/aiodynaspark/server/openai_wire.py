"""OpenAI's wire: ``/v1/chat/completions``, ``/v1/responses`` and ``/v1/models``."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from .._body import encode_json
from .bodies import read_body
from .chat_answer import ChatAnswer, ChatEvents
from .chat_request import parse_chat_request
from .gate import require_json
from .heads import losses_header
from .keys import CATALOG, POLICY, TRAFFIC
from .pictures import admit_pictures
from .remote_images import fetch_image
from .responses_answer import ResponsesAnswer, ResponsesEvents
from .responses_request import parse_responses_request
from .sending import EVENTS, JSON, send
from .span import span_of
from .token_counts import TokenCounts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from typing import Any

    from ..model import Model
    from ..types import Chunk, Loss

PREFIXES = ("/v1", "/openai/v1", "/openai")


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """Ask the model that the body names."""
    asked = parse_chat_request(await _read_json(request))
    model = _find(request, asked.model)
    await _admit_pictures(request, asked.messages)
    counts, losses = TokenCounts(asked.messages), asked.losses
    options = {**asked.options, "stream": asked.stream, "losses": losses.extend}
    chunks = model.stream(asked.messages, **options)
    if asked.stream:
        events = ChatEvents(asked.model, counts, include_usage=asked.include_usage)
        return await send(request, chunks, events, content_type=EVENTS, losses=losses)
    return await _whole(request, chunks, ChatAnswer(asked.model, counts), counts, losses)


async def responses(request: web.Request) -> web.StreamResponse:
    """Ask the model that the body names, in the newer shape."""
    asked = parse_responses_request(await _read_json(request))
    model = _find(request, asked.body.model)
    await _admit_pictures(request, asked.messages)
    counts, losses = TokenCounts(asked.messages), asked.losses
    options = {**asked.options, "stream": bool(asked.body.stream), "losses": losses.extend}
    answer = ResponsesAnswer(asked.body, counts)
    chunks = model.stream(asked.messages, **options)
    if asked.body.stream:
        events = ResponsesEvents(answer)
        return await send(request, chunks, events, content_type=EVENTS, losses=losses)
    return await _whole(request, chunks, answer, counts, losses)


async def models(request: web.Request) -> web.Response:
    """List the models."""
    catalog = request.app[CATALOG]
    described = [_described(name, catalog.find(name)) for name in catalog.names()]
    return _json({"object": "list", "data": described})


async def model(request: web.Request) -> web.Response:
    """Describe one model."""
    name = request.match_info["name"]
    return _json(_described(name, request.app[CATALOG].find(name)))


routes = [
    route
    for prefix in PREFIXES
    for route in (
        web.post(f"{prefix}/chat/completions", chat_completions),
        web.post(f"{prefix}/responses", responses),
        web.get(f"{prefix}/models", models),
        web.get(f"{prefix}/models/{{name:.+}}", model),
    )
]


async def _whole(
    request: web.Request,
    chunks: AsyncGenerator[Chunk, None],
    answer: ChatAnswer | ResponsesAnswer,
    counts: TokenCounts,
    losses: Sequence[Loss],
) -> web.Response:
    async with aclosing(chunks):
        with request.app[TRAFFIC].answering():
            async for chunk in chunks:
                answer.add(chunk)
    headers = losses_header(losses)
    if counts.estimated:
        headers["x-dynaspark-usage"] = "estimated"
    return web.Response(body=answer.render(), content_type=JSON, headers=headers)


async def _read_json(request: web.Request) -> bytes:
    require_json(request)
    return await read_body(request)


async def _admit_pictures(request: web.Request, messages: list[dict[str, Any]]) -> None:
    fetch = fetch_image if request.app[POLICY].fetch_images else None
    await admit_pictures(messages, fetch)


def _find(request: web.Request, name: str) -> Model:
    found = request.app[CATALOG].find(name)
    span_of(request).model = name
    return found


def _described(name: str, model: Model) -> dict[str, Any]:
    owner = model.provider.__name__.lower()
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _json(value: object) -> web.Response:
    return web.Response(body=encode_json(value), content_type=JSON)
