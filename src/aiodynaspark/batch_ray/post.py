"""One place for a worker: what it was given, and whoever does it at the moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .._version import __version__
from ..errors import ConnectError, DynasparkError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ..batch.rows import Row
    from .worker import Turn

DEATHS = 3
"""So many workers at one place may die one after the other without having finished a row."""

MOST_BYTES = 32 * 1024 * 1024
"""Rows of this size together are enough for one worker, however few they are."""


class Feed:
    """The rows of a run, dealt out to several places."""

    def __init__(self, rows: AsyncIterator[Row]) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()
        self._ended = False

    def end(self) -> None:
        """Deal out no further row."""
        self._ended = True

    async def take(self, count: int, size: int) -> list[tuple[Row, int]]:
        """Take so many rows, or bytes, at most; each row comes with its size."""
        taken: list[tuple[Row, int]] = []
        async with self._lock:
            while not self._ended and len(taken) < count and size > 0:
                row = await anext(self._rows, None)
                if row is None:
                    self._ended = True
                    break
                if row.get("media"):
                    row = await asyncio.to_thread(_with_pictures, row)
                taken.append((row, len(msgspec.msgpack.encode(row))))
                size -= taken[-1][1]
        return taken


def _with_pictures(row: Row) -> Row:
    """Put the pictures themselves in place of their files, which other machines do not have."""
    media = [
        picture if isinstance(picture, str) else (Path(picture[0]).read_bytes(), picture[1])
        for picture in row["media"]
    ]
    return {**row, "media": media}


class Post:
    """Has its rows asked by one worker after the other, should they die.

    Args:
        hire: starts a worker and says its name.
        dismiss: lets go of a worker, dead or alive.
        feed: where rows come from.
        window: says how many rows it may have at once.
        hand_in: takes a row that has ended.
        note: takes the whole cluster's retries and width.
        death: the error that says that a worker is no more.
    """

    def __init__(
        self,
        *,
        hire: Callable[[], tuple[str, Any]],
        dismiss: Callable[[str, Any], None],
        feed: Feed,
        window: Callable[[], int],
        hand_in: Callable[[Row], Awaitable[None]],
        note: Callable[[int, int], None],
        death: type[Exception],
    ) -> None:
        self._hire = hire
        self._dismiss = dismiss
        self._feed = feed
        self._window = window
        self._hand_in = hand_in
        self._note = note
        self._death = death
        self._given: dict[str, tuple[Row, int]] = {}
        self._worker: Any = None
        self._deaths = 0
        self._anything_ended = False

    def stop(self) -> None:
        """Have the worker begin no further row."""
        if self._worker is not None:
            self._worker.stop.remote()

    async def run(self) -> None:
        """Work until no row is left.

        Raises:
            DynasparkError: no worker can do it.
        """
        while True:
            name, self._worker = self._hire()
            try:
                return await self._work()
            except self._death as error:
                self._note_death(f"Workers of the cluster die: {_last_line(error)}")
            except ConnectError as error:
                if not self._anything_ended:
                    raise
                self._note_death(str(error))
            finally:
                self._dismiss(name, self._worker)

    def _note_death(self, reason: str) -> None:
        self._deaths += 1
        if self._deaths >= DEATHS:
            raise DynasparkError(reason)

    async def _work(self) -> None:
        await self._open()
        new = [row for row, _ in self._given.values()]
        while True:
            new += await self._more()
            if not self._given:
                return
            turn: Turn = await self._worker.turn.remote(new)
            new = []
            if turn.figures is not None:
                self._note(*turn.figures)
            for row in turn.ended:
                self._deaths, self._anything_ended = 0, True
                del self._given[row["custom_id"]]
                await self._hand_in(row)
            if turn.error is not None:
                raise turn.error
            if turn.is_over:
                return

    async def _open(self) -> None:
        version, error = await self._worker.open.remote()
        if version != __version__:
            raise UsageError(
                f"A node of the cluster has aiodynaspark {version}, and here it is {__version__}; "
                "install the same everywhere."
            )
        if error is not None:
            raise error

    async def _more(self) -> list[Row]:
        size = MOST_BYTES - sum(size for _, size in self._given.values())
        taken = await self._feed.take(self._window() - len(self._given), size)
        self._given |= {row["custom_id"]: (row, size) for row, size in taken}
        return [row for row, _ in taken]


def _last_line(error: Exception) -> str:
    return one_line(str(error).strip().rpartition("\n")[2])
