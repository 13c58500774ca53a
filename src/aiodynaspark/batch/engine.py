"""Where rows are asked about: what a run wants of it, and the event loop of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .asking import answer_rows
from .limiter import LocalLimiter

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, AsyncIterator

    from ..model import Model
    from .rows import Row


class Engine(Protocol):
    """Asks about rows, and knows how much of it is under way.

    Attributes:
        retries: attempts that were made again.
        concurrency: how many rows may be under way at once.
    """

    @property
    def retries(self) -> int: ...  # noqa: D102

    @property
    def concurrency(self) -> int: ...  # noqa: D102

    def answer(
        self, rows: AsyncIterator[Row], model: Model, *, stop: asyncio.Event
    ) -> AsyncGenerator[Row, None]:
        """Ask about each row, and yield what became of it; see ``answer_rows``."""


class LocalEngine:
    """Asks from this event loop.

    Args:
        concurrency: rows under way at once; None adapts it to how it goes.
        rpm: requests per minute at most, retries included; None for no such limit.
    """

    def __init__(self, concurrency: int | None, rpm: float | None) -> None:
        self._limiter = LocalLimiter(concurrency, rpm)

    @property
    def retries(self) -> int:
        """Attempts that were made again."""
        return self._limiter.retries

    @property
    def concurrency(self) -> int:
        """How many rows may be under way now."""
        return self._limiter.limit

    def answer(
        self, rows: AsyncIterator[Row], model: Model, *, stop: asyncio.Event
    ) -> AsyncGenerator[Row, None]:
        """Ask about each row, and yield what became of it."""
        return answer_rows(rows, model, limiter=self._limiter, stop=stop)
