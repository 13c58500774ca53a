"""Sends an answer while its model speaks, whatever wire it is for."""

from __future__ import annotations

from contextlib import suppress
from types import coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import quote

from aiohttp import ClientConnectionResetError, web

from .corked import WRITE_BUFFER
from .failures import known
from .keys import TRAFFIC
from .observe import note_first_piece

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence

    from ..errors import DynasparkError
    from ..types import Chunk, Loss

JSON = "application/json"
EVENTS = "text/event-stream"
MAX_LOSSES = 20

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
    answer: Rendering,
    *,
    content_type: str,
    losses: Sequence[Loss] = (),
) -> web.StreamResponse:
    """Write the chunks as they come; a slow reader slows them down.

    The status waits for the first byte: an error before it is raised, a later one is written.

    Args:
        request: what is answered.
        chunks: from the model; whoever made them closes them.
        answer: makes bytes of them.
        content_type: of the answer.
        losses: what could not be carried, as known by the time of the first byte.
    """
    sending = _Sending(request, content_type, losses)
    failure: DynasparkError | None = None
    try:
        with request.app[TRAFFIC].answering():
            await before_each_wait(sending.relay(chunks, answer), sending.flush)
    except ClientConnectionResetError:
        return sending.response  # the client left; nobody is there to be told
    except Exception as error:
        if not sending.begun:
            raise
        failure = known(error)
    with suppress(ClientConnectionResetError):
        await sending.end(answer.end(failure))
    return sending.response


class _Sending:
    """An answer on its way: what is written before its task waits leaves in one piece.

    So a step of the model costs one write, and an answer that never waited goes out whole.
    """

    def __init__(self, request: web.Request, content_type: str, losses: Sequence[Loss]) -> None:
        self.response = _Response(
            headers={"content-type": content_type, "cache-control": "no-store"}
        )
        self.begun = False
        self._request = request
        self._writer = request.writer
        self._losses = losses
        self._pieces: list[bytes] = []
        self._size = 0

    async def relay(self, chunks: AsyncGenerator[Chunk, None], answer: Rendering) -> None:
        """Render all chunks and write them."""
        protocol = self._request.protocol
        async for chunk in chunks:
            if data := answer.render(chunk):
                self.begun = True
                self._pieces.append(data)
                self._size += len(data)
                if self._size > WRITE_BUFFER:
                    self.flush()
                if protocol.writing_paused:
                    await self._writer.drain()

    def flush(self) -> None:
        """Hand what was written so far to the connection, which takes it without a wait."""
        if not self._pieces:
            return
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        try:
            if not self.response.prepared:
                _at_once(self._prepare())
            _at_once(self._writer.write(data, drain=False))  # type: ignore[call-arg]
        except ClientConnectionResetError:
            pass  # the same end of the connection cancels the task

    async def end(self, rest: bytes) -> None:
        """Write the rest; an answer of which nothing was sent yet gets its length."""
        data = b"".join([*self._pieces, rest])
        if not self.response.prepared:
            self.response.content_length = len(data)
            await self._prepare()
        await self.response.write_eof(data)

    async def _prepare(self) -> None:
        note_first_piece(self._request)
        self.response.headers.update(losses_header(self._losses))
        await self.response.prepare(self._request)


class _Response(web.StreamResponse):
    """Sends its head with its first bytes, which are there when it is prepared."""

    _send_headers_immediately = False


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
        act()
        try:
            outcome = yield waiting
            resume = work.send
        except BaseException as error:
            resume, outcome = work.throw, error


def _at_once(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that does not wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


def losses_header(losses: Sequence[Loss]) -> dict[str, str]:
    """``x-dynaspark-losses: kind:name, ...`` where anything was lost; names percent-encoded."""
    if not losses:
        return {}
    shown = [f"{loss.kind}:{quote(loss.name[:100], safe='')}" for loss in losses[:MAX_LOSSES]]
    return {"x-dynaspark-losses": ", ".join(shown)}
