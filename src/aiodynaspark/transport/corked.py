"""Writes held back to the end of a turn of the event loop, so that they leave together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sized


class Cork:
    """What the connections of one event loop are about to send.

    Waking whoever reads at the other end is most of what sending a small request or answer costs,
    and a process that is awake takes what comes next for a third of that.

    Args:
        loop: whose turns are meant.
        active: the requests that are under way; one alone is not held back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, active: Sized) -> None:
        self._loop = loop
        self._active = active
        self._held: list[tuple[asyncio.WriteTransport, bytes]] = []

    def write(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Send data with whatever else is written in this turn of the loop, in that order."""
        if not self._held:
            if len(self._active) < 2:
                transport.write(data)
                return
            self._loop.call_soon(self.release)
        self._held.append((transport, data))

    def release(self) -> None:
        """Send what is held back, now."""
        if self._held:
            held, self._held = self._held, []
            for transport, data in held:
                if not transport.is_closing():  # uvloop's would raise once it is closed
                    transport.write(data)
