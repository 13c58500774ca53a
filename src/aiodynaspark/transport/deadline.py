"""One deadline over a request, and the idle limit of a stream; only awaits are bounded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from ..errors import TransportTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable

IDLE_TIMEOUT = 60.0
"""Seconds in which a stream has to send something."""

SILENCE = 5 * IDLE_TIMEOUT
"""Seconds in which it has to send something that means something; comments do not."""

T = TypeVar("T")


class Deadline:
    """When a request has to be through, and when its stream is taken for dead.

    One timer watches over all awaits of a request: where it rings before the limit of the one
    under way, it is set anew. So an await costs no timer of its own, however many there are.
    """

    __slots__ = (
        "_awaiting",
        "_limit",
        "_loop",
        "_rang",
        "_seconds",
        "_silent_until",
        "_stream",
        "_timer",
        "_where",
        "at",
    )

    def __init__(self, seconds: float, where: str, *, stream: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._where = where
        self._stream = stream
        now = self._loop.time()
        self.at = now + seconds
        self._silent_until = now + SILENCE
        self._limit = self.at
        self._timer: asyncio.TimerHandle | None = None
        self._awaiting: asyncio.Task[object] | None = None
        self._rang = False

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._loop.time()

    def left(self) -> float:
        """Seconds until the deadline, below zero when it has passed."""
        return self.at - self._loop.time()

    def heard(self) -> None:
        """Note that something with a meaning has come."""
        if self._stream:
            self._silent_until = self._loop.time() + SILENCE

    async def bound(self, waiting: Awaitable[T], *, idle: bool = True) -> T:
        """Await within the deadline and, for a stream, within the idle limit.

        Raises:
            TransportTimeout: one of them passed.
        """
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        self._watch(task, idle=idle)
        try:
            return await waiting
        except asyncio.CancelledError as error:
            if self._rang and task.cancelling() - 1 <= cancelling:
                raise self.passed() from error
            raise
        finally:
            self._awaiting = None
            if self._rang:
                task.uncancel()

    def close(self) -> None:
        """Stop the timer; nothing is awaited any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self, task: asyncio.Task[object], *, idle: bool) -> None:
        """Have ``task`` cancelled when the limit of its next await passes."""
        limit = self.at
        if self._stream and idle:
            limit = min(limit, self._loop.time() + IDLE_TIMEOUT, self._silent_until)
        self._limit, self._awaiting, self._rang = limit, task, False
        if self._timer is None or self._timer.when() > limit:
            self.close()
            self._timer = self._loop.call_at(limit, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._awaiting is None:
            return
        if self._limit > self._loop.time():
            self._timer = self._loop.call_at(self._limit, self._ring)
            return
        self._rang = True
        self._awaiting.cancel()

    def passed(self) -> TransportTimeout:
        """The error for a limit that has passed."""
        if self.left() > 0:
            silent = self._loop.time() >= self._silent_until
            said = (
                f"nothing but comments for {SILENCE:g} s"
                if silent
                else f"nothing for {IDLE_TIMEOUT:g} s"
            )
            said = f"{self._where} sent {said}"
        else:
            said = f"{self._where} did not answer in full within {self._seconds:g} s"
        return TransportTimeout(f"{said}; ask again, or give it more time with timeout=SECONDS.")
