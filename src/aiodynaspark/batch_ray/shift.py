"""The rows that one worker has: put in as they come, taken out as they end."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from ..batch import answer_rows
from ..errors import DynasparkError, one_line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from ..batch import Limiter
    from ..batch.rows import Row
    from ..model import Model

GATHER = 0.05
"""Seconds in which further rows may end before they are taken out together."""


class Backlog:
    """The rows that wait to be asked."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()
        self._some = asyncio.Event()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._rows)

    def put(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        self._rows.extend(rows)
        self._some.set()

    def clear(self) -> None:
        """Drop all."""
        self._rows.clear()

    async def some(self) -> None:
        """Wait until there are some."""
        while not self._rows:
            self._some.clear()
            await self._some.wait()

    async def taken(self) -> AsyncGenerator[Row, None]:
        """Take out row after row, as they come."""
        while True:
            await self.some()
            yield self._rows.popleft()


class Shift:
    """Asks about rows for as long as it lives.

    Attributes:
        error: what ended it, where it did not end by itself.
        is_over: whether it has ended.

    Args:
        model: what to ask.
        limiter: makes one that knows the rows that wait.
    """

    def __init__(self, model: Model, limiter: Callable[[Backlog], Limiter]) -> None:
        self.error: DynasparkError | None = None
        self.is_over = False
        self._backlog = Backlog()
        self._ended: list[Row] = []
        self._some_ended = asyncio.Event()
        self._stop = asyncio.Event()
        self._work = asyncio.create_task(self._ask(model, limiter(self._backlog)))

    def put(self, rows: Iterable[Row]) -> None:
        """Have further rows asked."""
        self._backlog.put(rows)

    async def take(self) -> list[Row]:
        """Wait until rows have ended, and take them out."""
        await self._some_ended.wait()
        if not self.is_over:
            await asyncio.sleep(GATHER)
        self._some_ended.clear()
        if self.is_over:
            self._some_ended.set()
        ended, self._ended = self._ended, []
        return ended

    def stop(self) -> None:
        """Begin no further row; those under way get their time to end."""
        self._stop.set()

    async def aclose(self) -> None:
        """Drop what is still under way."""
        self._backlog.clear()
        self._work.cancel()
        await asyncio.wait({self._work})

    async def _ask(self, model: Model, limiter: Limiter) -> None:
        rows = self._backlog.taken()
        try:
            async with aclosing(answer_rows(rows, model, limiter=limiter, stop=self._stop)) as ends:
                async for row in ends:
                    self._ended.append(row)
                    self._some_ended.set()
        except DynasparkError as error:
            self.error = error
        except Exception as error:
            said = one_line(str(error).strip().rpartition("\n")[2])
            self.error = DynasparkError(f"A worker failed with {type(error).__name__}: {said}")
        finally:
            self.is_over = True
            self._some_ended.set()
