"""Sends an answer while its model speaks, whatever wire it is for."""

from __future__ import annotations

from contextlib import suppress
from types import coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from aiohttp import ClientConnectionResetError

from .answer import Answer
from .failures import known
from .keys import TRAFFIC

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence

    from aiohttp import web

    from ..errors import DynasparkError
    from ..types import Chunk, Loss

JSON = "application/json"
EVENTS = "text/event-stream"

T = TypeVar("T")


class Rendering(Protocol):
    """An answer in the shape of one wire; pure."""

    def render(self, chunk: Chunk) -> bytes:
        """Return the bytes that a chunk comes to, which may be none yet."""

    def end(self, error: DynasparkError | None = None) -> bytes:
        """Return what is left, with the error that cut the answer short, if any."""


async def send(
    request: web.Request,
    chunks: AsyncGenerator[Chunk, None],
    rendering: Rendering,
    *,
    content_type: str,
    losses: Sequence[Loss] = (),
) -> web.StreamResponse:
    """Write the chunks as they come; a slow reader slows them down.

    The status waits for the first byte: an error before it is raised, a later one is written.

    Args:
        request: what is answered.
        chunks: from the model; they are closed at the end.
        rendering: makes bytes of them.
        content_type: of the answer.
        losses: what could not be carried, as known by the time of the first byte.
    """
    answer = Answer(request, content_type, losses)
    failure: DynasparkError | None = None
    try:
        with request.app[TRAFFIC].answering():
            await before_each_wait(_relay(chunks, rendering, answer, request), answer.flush)
    except ClientConnectionResetError:
        return answer  # the client left; nobody is there to be told
    except Exception as error:
        if not answer.begun:
            raise
        failure = known(error)
    with suppress(ClientConnectionResetError):
        await answer.end(rendering.end(failure))
    return answer


async def _relay(
    chunks: AsyncGenerator[Chunk, None], rendering: Rendering, answer: Answer, request: web.Request
) -> None:
    """Render all chunks and write them."""
    protocol = request.protocol
    try:
        async for chunk in chunks:
            if data := rendering.render(chunk):
                answer.add(data)
                if protocol.writing_paused:
                    await request.writer.drain()
    finally:
        await chunks.aclose()


@coroutine
def before_each_wait(
    work: Coroutine[Any, Any, T], act: Callable[[], object]
) -> Generator[Any, Any, T]:
    """Await a coroutine, and act each time before it waits."""
    resume: Callable[[Any], Any] = work.send
    outcome: Any = None
    while True:
        try:
            waiting = resume(outcome)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            outcome = None  # an error kept here would keep this frame, and be kept by it
        try:
            act()
            outcome = yield waiting
            resume = work.send
        except BaseException as error:
            resume, outcome = work.throw, error
