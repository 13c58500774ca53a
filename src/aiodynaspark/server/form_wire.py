"""``POST /generate_response``: the Dynaspark form wire, answered while the model speaks."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import ClientConnectionResetError, web

from ..errors import DynasparkError, UsageError
from .failures import known
from .form_answer import FormAnswer
from .forms import read_form
from .keys import CATALOG, MODEL, TRAFFIC

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..types import Chunk

routes = web.RouteTableDef()


@routes.post("/generate_response")
async def generate_response(request: web.Request) -> web.StreamResponse:
    """Ask the model that the form names, or the default one, and send its answer as it comes."""
    form = await read_form(request)
    prompt = form.fields.get("user_input", "")
    if not prompt.strip() and form.picture is None:
        raise UsageError("The form has no user_input; send the prompt in that field.")
    name, model = request.app[CATALOG].find_or_default(form.fields.get("ai_model", ""))
    request[MODEL] = name
    media = None if form.picture is None else [(form.picture, form.picture_name)]
    chunks = model.stream([{"role": "user", "content": prompt}], media=media)
    async with aclosing(chunks):
        return await _send(request, chunks, FormAnswer(name))


async def _send(
    request: web.Request, chunks: AsyncGenerator[Chunk, None], answer: FormAnswer
) -> web.StreamResponse:
    """Write the chunks; an error before the first byte is raised, a later one is written."""
    response = web.StreamResponse(
        headers={"content-type": "application/json", "cache-control": "no-store"}
    )
    failure: DynasparkError | None = None
    try:
        async with request.app[TRAFFIC].answering():
            async for chunk in chunks:
                if data := answer.render(chunk):
                    if not response.prepared:
                        await response.prepare(request)
                    await response.write(data)
    except ClientConnectionResetError:
        return response  # the client left; nobody is there to be told
    except Exception as error:
        if not response.prepared:
            raise
        failure = known(error)
    if not response.prepared:
        await response.prepare(request)
    await response.write(answer.end(failure))
    return response
