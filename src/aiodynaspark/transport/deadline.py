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
    """When a request has to be through, and when its stream is taken for dead."""

    def __init__(self, seconds: float, where: str, *, stream: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._where = where
        self._stream = stream
        self.at = self._loop.time() + seconds
        self.heard()

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._loop.time()

    def left(self) -> float:
        """Seconds until the deadline, below zero when it has passed."""
        return self.at - self._loop.time()

    def heard(self) -> None:
        """Note that something with a meaning has come."""
        self._silent_until = self._loop.time() + SILENCE

    async def bound(self, waiting: Awaitable[T], *, idle: bool = True) -> T:
        """Await within the deadline and, for a stream, within the idle limit.

        Raises:
            TransportTimeout: one of them passed.
        """
        limit = self.at
        if self._stream and idle:
            limit = min(limit, self._loop.time() + IDLE_TIMEOUT, self._silent_until)
        try:
            async with asyncio.timeout_at(limit) as bound:
                return await waiting
        except TimeoutError as error:
            if not bound.expired():
                raise
            raise self.passed() from error

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
