"""``POST /generate_response``: the Dynaspark form wire, answered while the model speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from .form_answer import FormAnswer
from .forms import read_form
from .keys import CATALOG
from .sending import JSON, send
from .span import span_of

if TYPE_CHECKING:
    from ..types import Loss

routes = web.RouteTableDef()


@routes.post("/generate_response")
async def generate_response(request: web.Request) -> web.StreamResponse:
    """Ask the model that the form names, or the default one, and send its answer as it comes."""
    form = await read_form(request)
    prompt = form.fields.get("user_input", "")
    if not prompt.strip() and form.picture is None:
        raise UsageError("The form has no user_input; send the prompt in that field.")
    name, model = request.app[CATALOG].find_or_default(form.fields.get("ai_model", ""))
    span_of(request).model = name
    media = None if form.picture is None else [(form.picture, form.picture_name)]
    losses: list[Loss] = []
    chunks = model.stream([{"role": "user", "content": prompt}], media=media, losses=losses.extend)
    return await send(request, chunks, FormAnswer(name), content_type=JSON, losses=losses)
