"""The ways of a request, directly or through one SOCKS proxy, each opened at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connections import abandon, idle, open_session
from .fast_lane import FastLane

if TYPE_CHECKING:
    import aiohttp

    from .._proxy import Proxy
    from .corked import Cork


class Ways:
    """The short way, which leads through no proxy, and aiohttp's public one.

    Args:
        socks: the proxy that all requests go through, if any.
        cork: sends what goes the short way.
    """

    def __init__(self, socks: Proxy | None, cork: Cork) -> None:
        self._socks = socks
        self._cork = cork
        self._lane: FastLane | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def lane(self) -> FastLane:
        """The short way."""
        if self._lane is None:
            self._lane = FastLane(self._cork)
        return self._lane

    @property
    def session(self) -> aiohttp.ClientSession:
        """The public way."""
        if self._session is None:
            self._session = open_session(self._socks)
        return self._session

    def idle(self) -> int:
        """How many connections are kept open for the next request."""
        kept = 0 if self._lane is None else self._lane.idle()
        return kept if self._session is None else kept + idle(self._session)

    async def aclose(self) -> None:
        """Close every connection, idle or in use."""
        if self._lane is not None:
            await self._lane.aclose()
        if self._session is not None:
            await self._session.close()

    def abandon(self) -> None:
        """Close every connection after the loop was closed."""
        if self._lane is not None:
            self._lane.abandon()
        if self._session is not None:
            abandon(self._session)
