"""Lets requests begin a few at a time, so that a crowd of them holds up no answer."""

from __future__ import annotations

import asyncio
from collections import deque

AT_ONCE = 6
"""How many requests begin in one turn of the event loop."""


class Turns:
    """The queue in which requests begin.

    Without it, all that arrive together would begin before anything else is done, and the answer
    to the first one, long there, would wait for the last one to be asked upstream.
    """

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Begin now, where few have begun in this turn of the loop; False where that is to wait."""
        if self._left == AT_ONCE:
            asyncio.get_running_loop().call_soon(self._next)
        if not self._left:
            return False
        self._left -= 1
        return True

    def wait(self) -> asyncio.Future[None]:
        """Queue for a turn; the future is done when it is there."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def _next(self) -> None:
        self._left = AT_ONCE
        while self._left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._left -= 1
        if self._left < AT_ONCE:
            asyncio.get_running_loop().call_soon(self._next)
