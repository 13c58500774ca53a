"""Sends an answer while its model speaks, whatever wire it is for."""

from __future__ import annotations

from contextlib import suppress
from types import coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from aiohttp import ClientConnectionResetError

from .answer import Answer
from .corked import WRITE_BUFFER
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
    sending = _Sending(request, answer)
    failure: DynasparkError | None = None
    try:
        with request.app[TRAFFIC].answering():
            await before_each_wait(sending.relay(chunks, rendering), sending.flush)
    except ClientConnectionResetError:
        return answer  # the client left; nobody is there to be told
    except Exception as error:
        if not sending.begun:
            raise
        failure = known(error)
    with suppress(ClientConnectionResetError):
        await sending.end(rendering.end(failure))
    return answer


class _Sending:
    """An answer on its way: what is written before its task waits leaves in one piece.

    So a step of the model costs one write, and an answer that never waited goes out whole.
    """

    def __init__(self, request: web.Request, answer: Answer) -> None:
        self.begun = False
        self._request = request
        self._answer = answer
        self._pieces: list[bytes] = []
        self._size = 0

    async def relay(self, chunks: AsyncGenerator[Chunk, None], rendering: Rendering) -> None:
        """Render all chunks and write them."""
        protocol = self._request.protocol
        try:
            async for chunk in chunks:
                if data := rendering.render(chunk):
                    self.begun = True
                    self._pieces.append(data)
                    self._size += len(data)
                    if self._size > WRITE_BUFFER:
                        self.flush()
                    if protocol.writing_paused:
                        await self._request.writer.drain()
        finally:
            await chunks.aclose()

    def flush(self) -> None:
        """Hand what was written so far to the connection, which takes it without a wait."""
        if self._pieces:
            self._answer.write_piece(self._gathered())

    async def end(self, rest: bytes) -> None:
        """Write what is left, and the rest."""
        self._pieces.append(rest)
        await self._answer.write_last(self._gathered())

    def _gathered(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return data


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
