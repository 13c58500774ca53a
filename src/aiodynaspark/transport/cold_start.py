"""A host that may be waking up: one probe in flight, the others wait for how it goes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager

    from .deadline import Deadline

LONGEST = 60.0
"""Seconds after which a host is no longer taken to be waking up."""

NOTICE_AFTER = 5.0
"""Seconds behind a waking host after which the user is told."""


class ColdStart:
    """The queue behind one host."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._next_probe = now
        self._awake = False
        self._lock = asyncio.Lock()

    def failed(self, now: float, wait: float) -> None:
        """Note that an attempt failed; the next one is not to come before ``wait`` seconds."""
        self._next_probe = max(self._next_probe, now + wait)

    def woke(self) -> None:
        """Note that the host answered."""
        self._awake = True

    def is_over(self, now: float) -> bool:
        """Whether requests need not queue (any more)."""
        return self._awake or now - self._since > LONGEST

    def may_restart(self, now: float) -> bool:
        """Whether a new failure may be taken for a new cold start."""
        return self._awake or now - self._since > 2 * LONGEST

    @asynccontextmanager
    async def turn(
        self,
        deadline: Deadline,
        waiting: Callable[[], AbstractContextManager[None]],
    ) -> AsyncIterator[bool]:
        """Wait in the queue; inside, True means that this request is the only probe.

        Args:
            deadline: the request's own.
            waiting: entered while the request waits.

        Raises:
            TransportTimeout: the deadline passed first.
        """
        with waiting():
            await deadline.bound(self._lock.acquire(), idle=False)
        try:
            with waiting():
                while not self.is_over(deadline.now()) and self._next_probe > deadline.now():
                    pause = self._next_probe - deadline.now()
                    await deadline.bound(asyncio.sleep(pause), idle=False)
            yield not self.is_over(deadline.now())
        finally:
            self._lock.release()
