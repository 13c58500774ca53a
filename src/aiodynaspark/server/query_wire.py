"""``GET /api/generate_response``: the query wire, which is documented for programs."""

from __future__ import annotations

import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import DynasparkError, UsageError
from .heads import losses_header
from .json_request import check
from .keys import CATALOG, TRAFFIC
from .query_answer import QueryAnswer
from .sending import EVENTS, JSON, send
from .span import span_of
from .token_counts import TokenCounts

if TYPE_CHECKING:
    from ..types import Loss

routes = web.RouteTableDef()

NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no", "")


class NotOffered(DynasparkError):
    """The wire knows it, and no provider here can do it."""

    http_status = 501


@routes.get("/api/generate_response", allow_head=False)
async def generate_response(request: web.Request) -> web.StreamResponse:
    """Ask the model that the query names, or the default one."""
    query = request.query
    if query.get("voice"):
        raise NotOffered("No model here speaks with a voice; leave voice out.")
    messages = _messages(query.get("user_input", ""), query.get("system", ""))
    name, model = request.app[CATALOG].find_or_default(query.get("model", ""))
    span_of(request).model = name
    stream, detailed = _flag(request, "stream"), _flag(request, "json")
    losses: list[Loss] = []
    options = {**_options(request), "stream": stream, "losses": losses.extend}
    answer = QueryAnswer(name, counts := TokenCounts(messages))
    chunks = model.stream(messages, **options)
    if stream:
        return await send(request, chunks, answer, content_type=EVENTS, losses=losses)
    async with aclosing(chunks):
        with request.app[TRAFFIC].answering():
            async for chunk in chunks:
                answer.add(chunk)
    headers = losses_header(losses)
    if detailed and counts.estimated:
        headers["x-dynaspark-usage"] = "estimated"
    body = answer.whole(detailed=detailed)
    return web.Response(body=body, content_type=JSON, headers=headers)


@routes.get("/api/generate_image", allow_head=False)
async def generate_image(request: web.Request) -> web.Response:
    """Say that no model here makes pictures."""
    raise NotOffered("No model here makes pictures; ask for text with /api/generate_response.")


def _messages(prompt: str, system: str) -> list[dict[str, Any]]:
    if not prompt.strip():
        raise UsageError("The query has no user_input; send the prompt in it.", param="user_input")
    told = [{"role": "system", "content": system}] if system.strip() else []
    return [*told, {"role": "user", "content": prompt}]


def _options(request: web.Request) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, kind in [*((name, float) for name in NUMBERS), ("seed", int)]:
        if text := request.query.get(name):
            options[name] = check(text, kind, at=name, strict=False)
            if not math.isfinite(options[name]):
                raise UsageError(f"{name} has to be a finite number.", param=name)
    return options


def _flag(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "").lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise UsageError(f"{name} has to be true or false.", param=name)
