"""Rows in, rows out: asks a model about many rows at once. No file is touched here."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from .._attempts import judged_by
from ..errors import AuthenticationError, ConnectError, DynasparkError, RateLimitError
from .limiter import LocalLimiter, is_push_back
from .rows import answer_row, failure_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ..model import Model
    from .limiter import Limiter
    from .rows import Row

    Outcome: TypeAlias = Row | BaseException | None

DRAIN = 10.0
"""Seconds that rows under way get to end once the run is stopped."""

WAITING = 512
"""Finished rows that may wait to be fetched before further ones are held up."""

log = logging.getLogger("aiodynaspark.batch")


async def answer_rows(
    rows: AsyncIterator[Row],
    model: Model,
    *,
    limiter: Limiter | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Row, None]:
    """Ask about each row, many at once, and yield what became of it, in the order of the ends.

    Args:
        rows: plain dicts with ``line``, ``custom_id``, ``messages``, and optionally ``model``
            (asked where ``model`` names none), ``media`` and ``options``.
        model: what to ask.
        limiter: says when the next row may go out; an adaptive one where it is not given.
        stop: set it to take no further rows; those under way get 10 s to end.

    Yields:
        Plain dicts as OpenAI's batches write them; a failure is one too.

    Raises:
        AuthenticationError: the key was refused, as it would be for every row.
        RateLimitError: nothing is left to spend.
        ConnectError: nobody answers there, and nobody has before.
    """
    crew = _Crew(model, limiter or LocalLimiter())
    work = asyncio.create_task(crew.run(rows, stop or asyncio.Event()))
    try:
        while (outcome := await crew.outcomes.get()) is not None:
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        work.cancel()
        await asyncio.wait({work})


class _Crew:
    """The rows under way, and the outcomes nobody has fetched yet; None is the end."""

    def __init__(self, model: Model, limiter: Limiter) -> None:
        self.outcomes: asyncio.Queue[Outcome] = asyncio.Queue(WAITING)
        self._model = model
        self._limiter = limiter
        self._under_way: set[asyncio.Task[None]] = set()
        self._anything_answered = False

    async def run(self, rows: AsyncIterator[Row], stop: asyncio.Event) -> None:
        """Start rows until there are no more or ``stop`` is set, and wait for their ends."""
        all_rows = asyncio.create_task(self._all(rows))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({all_rows, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not all_rows.done():
                await _cancel(all_rows)
                await self._drain()
        finally:
            await _cancel(all_rows, stopped, *self._under_way)
        await self.outcomes.put(None if all_rows.cancelled() else all_rows.exception())

    async def _drain(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=DRAIN)

    async def _all(self, rows: AsyncIterator[Row]) -> None:
        while True:
            lease = await self._limiter.acquire()
            try:
                row = await anext(rows)
            except BaseException as error:
                self._limiter.release(lease, answered=False)
                if not isinstance(error, StopAsyncIteration):
                    raise
                break
            task = asyncio.create_task(self._one(row, lease))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _one(self, row: Row, lease: float) -> None:
        answered = pushed_back = False
        try:
            with judged_by(partial(self._limiter.may_retry, lease)):
                outcome: Outcome = await _ask(row, self._model)
            answered = self._anything_answered = True
        except Exception as error:
            pushed_back = isinstance(error, DynasparkError) and is_push_back(error)
            outcome = self._outcome_of(error, row)
        try:
            await self.outcomes.put(outcome)
        finally:
            self._limiter.release(lease, answered=answered, pushed_back=pushed_back)

    def _outcome_of(self, error: Exception, row: Row) -> Outcome:
        if self._ends_the_run(error):
            return error
        if not isinstance(error, DynasparkError):
            log.warning("line %s: the provider failed", row["line"], exc_info=error)
            kind = type(error).__name__
            error = DynasparkError(f"The provider failed with {kind}, which is a fault in it.")
        return failure_row(row["line"], row["custom_id"], error)

    def _ends_the_run(self, error: Exception) -> bool:
        """Whether every other row would end the same way."""
        match error:
            case AuthenticationError():
                return True
            case RateLimitError():
                return error.status == 402 or error.code == "insufficient_quota"
            case ConnectError():
                return not self._anything_answered
        return False


async def _ask(row: Row, model: Model) -> Row:
    if row.get("model") and not model.name:
        model = replace(model, name=row["model"])
    media, options = row.get("media") or None, row.get("options") or {}
    asked = model.stream(row["messages"], media=media, **{**options, "stream": False})
    async with aclosing(asked) as chunks:
        return answer_row(row, [chunk async for chunk in chunks], model.label)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
