"""How many requests are running, and how they end when the server stops."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from .refusals import Busy, Stopping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LAST_WORDS = 2.0
"""Seconds for writing the error that ends an answer when the server stops."""


class Traffic:
    """The requests of one server that are being answered.

    Attributes:
        in_flight: how many.
        stopping: whether no more are taken.

    Args:
        most: how many may run at once.
    """

    def __init__(self, most: int) -> None:
        self.in_flight = 0
        self.stopping = False
        self._most = most
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._answers: set[asyncio.Timeout] = set()
        self._over = False

    @contextmanager
    def admitted(self) -> Iterator[None]:
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
        try:
            yield
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._quiet.set()

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Stand around the loop that reads a model and writes its answer.

        Raises:
            Stopping: the server stops and the time to finish is over; the answer is to be ended
                with this error, in its own wire's way.
        """
        if self._over:
            raise _stopping()
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._answers.add(limit)
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise _stopping() from error
        finally:
            self._answers.discard(limit)

    async def drain(self, seconds: float) -> None:
        """Take no more requests, let the running ones finish, and end those that do not."""
        self.stopping = True
        if await self._quiet_within(seconds):
            return
        self._over = True
        now = asyncio.get_running_loop().time()
        for limit in self._answers:
            limit.reschedule(now)
        await self._quiet_within(LAST_WORDS)

    async def _quiet_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _stopping() -> Stopping:
    return Stopping("The server is stopping; ask again when it is back.")
