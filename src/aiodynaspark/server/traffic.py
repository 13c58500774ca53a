"""How many requests are running, and how they end when the server stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .refusals import Busy, Stopping
from .turns import Turns

if TYPE_CHECKING:
    from types import TracebackType

LAST_WORDS = 2.0
"""Seconds for writing the error that ends an answer when the server stops."""


class Traffic:
    """The requests of one server that are being answered; each is counted by ``with traffic``.

    Attributes:
        in_flight: how many.
        stopping: whether no more are taken.
        turns: where they queue to begin.

    Args:
        most: how many may run at once.
    """

    def __init__(self, most: int) -> None:
        self.in_flight = 0
        self.stopping = False
        self.turns = Turns()
        self._most = most
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._answers: set[_Answering] = set()
        self._over = False

    def __enter__(self) -> None:
        """Count a request while it is inside.

        Raises:
            Busy: as many as may be are running.
            Stopping: the server is going down.
        """
        if self.stopping:
            raise _stopping()
        if self.in_flight >= self._most:
            raise Busy("As many requests are running as this server takes; try again in a second.")
        self.in_flight += 1
        self._quiet.clear()

    def __exit__(self, *_: object) -> None:
        self.in_flight -= 1
        if not self.in_flight:
            self._quiet.set()

    def answering(self) -> _Answering:
        """Stand around the loop that reads a model and writes its answer.

        Raises:
            Stopping: the server stops and the time to finish is over; the answer is to be ended
                with this error, in its own wire's way.
        """
        if self._over:
            raise _stopping()
        return _Answering(self._answers)

    async def drain(self, seconds: float) -> None:
        """Take no more requests, let the running ones finish, and end those that do not."""
        self.stopping = True
        if await self._quiet_within(seconds):
            return
        self._over = True
        for answer in self._answers:
            answer.end()
        await self._quiet_within(LAST_WORDS)

    async def _quiet_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds)
        except TimeoutError:
            return False
        return True


class _Answering:
    """Makes Stopping of the cancellation by which an answer is ended, as a timeout would."""

    def __init__(self, running: set[_Answering]) -> None:
        self._running = running
        self._ended = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "answers are written by tasks"
        self._task, self._cancelling = task, task.cancelling()
        self._running.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.discard(self)
        if self._ended and self._task.uncancel() <= self._cancelling:
            if kind is asyncio.CancelledError:
                raise _stopping() from error

    def end(self) -> None:
        """Cancel what is inside."""
        self._ended = True
        self._task.cancel()


def _stopping() -> Stopping:
    return Stopping("The server is stopping; ask again when it is back.")
