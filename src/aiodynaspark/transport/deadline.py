"""One deadline over a request, and the idle limit of a stream; only awaits are bounded."""

from __future__ import annotations

import asyncio
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import TransportTimeout

if TYPE_CHECKING:
    from collections.abc import Awaitable

IDLE_TIMEOUT = 60.0
"""Seconds in which a stream has to send something."""

SILENCE = 5 * IDLE_TIMEOUT
"""Seconds in which it has to send something that means something; comments do not."""

RESOLUTION = 0.01
"""Seconds that lie at least between two looks at the limits, however many there are."""

T = TypeVar("T")


class Watch:
    """Cancels the awaits of one event loop whose limits have passed.

    One timer watches over all of them, since almost no limit is ever reached: a timer of its own
    for each await took more time than sending the request. It is set to the earliest limit; what
    has ended, or got more time, by then is passed over.
    """

    def __init__(self) -> None:
        self._watched: set[Deadline] = set()
        self._timer: asyncio.Handle | None = None
        self._rings_at = math.inf  # uvloop's handles cannot tell

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The one whose awaits these are."""
        return asyncio.get_running_loop()

    def begin(self, deadline: Deadline) -> None:
        """Watch over an await until ``end``, or until its limit passes."""
        self._watched.add(deadline)
        if deadline.limit < self._rings_at:
            self._set(deadline.limit)

    def end(self, deadline: Deadline) -> None:
        """Watch over it no longer."""
        self._watched.discard(deadline)

    def close(self) -> None:
        """Stop the timer, unless something is still awaited."""
        if not any(each.waits() for each in self._watched):
            self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rings_at = math.inf

    def _set(self, when: float) -> None:
        self._stop()
        self._rings_at = when
        self._timer = self.loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._stop()
        now = self.loop.time()
        for deadline in [each for each in self._watched if each.limit <= now]:
            self._watched.discard(deadline)
            deadline.interrupt()
        if self._watched:
            earliest = min(each.limit for each in self._watched)
            self._set(max(earliest, now + RESOLUTION))


class Deadline:
    """When a request has to be through, and when its stream is taken for dead.

    Attributes:
        at: seconds on the loop's clock at which the time for all of it is over.
        limit: the same for the await under way.

    Args:
        seconds: until then.
        where: the origin that is asked, for errors.
        stream: whether the idle limit holds.
        watch: the loop's own.
    """

    __slots__ = (
        "_loop",
        "_passed",
        "_seconds",
        "_silent_until",
        "_stream",
        "_task",
        "_waiter",
        "_watch",
        "_where",
        "at",
        "limit",
    )

    def __init__(self, seconds: float, where: str, *, stream: bool, watch: Watch) -> None:
        self._loop = watch.loop
        self._seconds = seconds
        self._where = where
        self._stream = stream
        self._watch = watch
        self._waiter: asyncio.Future[Any] | None = None
        now = self._loop.time()
        self.at = now + seconds
        self._silent_until = now + SILENCE

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._loop.time()

    def left(self) -> float:
        """Seconds until the deadline, below zero when it has passed."""
        return self.at - self._loop.time()

    def heard(self) -> None:
        """Note that something with a meaning has come, or that an attempt begins."""
        if self._stream:
            self._silent_until = self._loop.time() + SILENCE

    async def bound(self, waiting: Awaitable[T], *, idle: bool = True) -> T:
        """Await within the deadline and, for a stream, within the idle limit.

        Raises:
            TransportTimeout: one of them passed.
        """
        self._task = task = cast("asyncio.Task[object]", asyncio.current_task())
        cancelling = task.cancelling()
        self._passed = False
        self._waiter = None
        self._begin(idle)
        try:
            return await waiting
        except asyncio.CancelledError as error:
            if self._passed and task.cancelling() - 1 <= cancelling:
                raise self.passed() from error
            raise
        finally:
            self._watch.end(self)
            if self._passed:
                task.uncancel()

    def until(self, waiter: asyncio.Future[T], *, idle: bool = True) -> asyncio.Future[T]:
        """The same for a future, with less to do: it fails with TransportTimeout by then.

        Once it is done, nothing happens to it any more, though ``end`` alone ends the watch.
        """
        self._waiter = waiter
        self._begin(idle)
        return waiter

    def end(self) -> None:
        """Watch over nothing any more."""
        self._watch.end(self)
        self._waiter = None  # its error leads back here

    def interrupt(self) -> None:
        """Break off the await under way, whose limit has passed."""
        if self._waiter is None:
            self._passed = True
            self._task.cancel()
        elif self.waits():
            self._waiter.set_exception(self.passed())

    def waits(self) -> bool:
        """Whether something is awaited, while it is watched over."""
        return self._waiter is None or not self._waiter.done()

    def _begin(self, idle: bool) -> None:
        self.limit = self.at
        if self._stream and idle:
            self.limit = min(self.at, self._loop.time() + IDLE_TIMEOUT, self._silent_until)
        self._watch.begin(self)

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
