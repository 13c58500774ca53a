"""How many requests of one event loop may be under way at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from ..errors import UsageError


class Slots:
    """As many as connections may be in use; who finds none free queues for the next one.

    Args:
        count: how many there are.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._closed = False
        self._queue: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def queued(self) -> int:
        """How many requests wait for one."""
        return len(self._queue)

    def take(self) -> bool:
        """Take one that is free; False where there is none."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def wait(self) -> asyncio.Future[None]:
        """Queue for one; the future is done when it is there, or fails with UsageError.

        Raises:
            UsageError: nobody queues any more.
        """
        if self._closed:
            raise closed()
        place = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        return place

    def leave(self, place: asyncio.Future[None]) -> None:
        """Leave the queue; a slot that had been given meanwhile is given back."""
        self._queue.pop(place, None)
        if place.done() and not place.cancelled() and place.exception() is None:
            self.give_back()

    def give_back(self) -> None:
        """Give a slot to whoever queues longest, if anybody does."""
        while self._queue:
            longest, _ = self._queue.popitem(last=False)
            if not longest.done():
                longest.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """Fail all who queue, and who would."""
        self._closed = True
        while self._queue:
            place, _ = self._queue.popitem()
            if not place.done():
                place.set_exception(closed())


def closed() -> UsageError:
    """The error of a request over a transport that is closed."""
    return UsageError("This transport is closed; make another one.")
