"""The connections of one event loop, and what the process has learnt about each host."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _proxy, settings
from .._limits import LearntLimit, RetryBudget
from .cold_start import ColdStart
from .corked import Cork
from .deadline import Watch
from .exchange import Exchange
from .slots import Slots, closed
from .ways import Ways

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from yarl import URL

    from .._proxy import Proxy
    from .answer import Decoder
    from .request import Request

CONNECTIONS = 256
MAX_HOSTS = 10_000
YEARS = 1e9

T = TypeVar("T")


class Host:
    """What the whole process knows of one origin, for one key."""

    def __init__(self) -> None:
        self.budget = RetryBudget()
        self.limit = LearntLimit()


_hosts: dict[tuple[str, int], Host] = {}


class Transport:
    """Pooled connections for one event loop, and the counts that tell its state.

    Attributes:
        active: requests that are being made or read.
        retries: how many attempts after the first one were made so far.
        closed: whether ``aclose`` was called.
        slots: how many requests may be under way at once.
        watch: what ends the awaits whose time is over.

    Args:
        connections: how many may be open at once; further requests wait.
    """

    def __init__(self, *, connections: int = CONNECTIONS) -> None:
        self.active: set[Exchange[Any]] = set()
        self._paused = 0
        self.retries = 0
        self.closed = False
        self.slots = Slots(connections)
        self.watch = Watch()
        self.cold: dict[str, ColdStart] = {}
        self._environment = settings.proxies()
        self._ways: dict[Proxy | None, Ways] = {}
        self._proxies: dict[URL, Proxy | None] = {}
        self._seen: set[tuple[str, int]] = set()

    def stream(self, request: Request, decoder: Callable[[], Decoder[T]]) -> Exchange[T]:
        """Send a request; to be entered with ``async with``, then iterated.

        The entry covers connecting, sending, status and headers, and the body up to the first
        thing decoded (all of it where ``request.whole``); it is what is tried again. Iterating
        yields lists of what the decoder made of the bytes.

        Args:
            request: what to send, and within which limits.
            decoder: makes a fresh decoder for each attempt.

        Raises:
            UsageError: the URL or the proxy cannot be used.
            ConnectError: no connection came about.
            TransportTimeout: the deadline or the idle limit passed.
            TransportError: no usable answer came.
            ResponseError: an answer with an error's status (or a subclass).
            StreamError: a good status, then a body that is malformed or cut.
        """
        return Exchange(self, request, decoder)

    def host(self, origin: str, key: str | None) -> Host:
        """The process's one record of an origin as seen with a key (kept as its hash alone)."""
        place = (origin, hash(key))
        self._seen.add(place)
        host = _hosts.get(place)
        if host is None:
            if len(_hosts) >= MAX_HOSTS:
                del _hosts[next(iter(_hosts))]
            host = _hosts[place] = Host()
        return host

    def note_waking(self, origin: str, wait: float) -> None:
        """Note that a host may be waking up and is not to be asked for ``wait`` seconds."""
        now = asyncio.get_running_loop().time()
        cold = self.cold.get(origin)
        if cold is None or cold.may_restart(now):
            cold = self.cold[origin] = ColdStart(now)
        cold.failed(now, wait)

    def note_awake(self, origin: str) -> None:
        """Note that a host that was waking up has answered."""
        if (cold := self.cold.pop(origin, None)) is not None:
            cold.woke()

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot, for their turn or for their next attempt."""
        return self._paused + self.slots.queued

    @contextmanager
    def one_more_waiting(self) -> Iterator[None]:
        """Count a request as waiting while it is inside."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    @cached_property
    def cork(self) -> Cork:
        """What sends small requests."""
        return Cork(asyncio.get_running_loop(), self.active)

    def ways_to(self, url: URL, proxy: str | None) -> tuple[Ways, Proxy | None]:
        """The ways to a URL, and the proxy of this request, if any.

        Raises:
            UsageError: the transport is closed, or the proxy cannot be used.
        """
        if self.closed:
            raise closed()
        via = _proxy.parse(proxy) if proxy else self._proxy_from_environment(url)
        socks = via if via and via.is_socks else None
        ways = self._ways.get(socks)
        if ways is None:
            ways = self._ways[socks] = Ways(socks, self.cork)
        return ways, via

    def _proxy_from_environment(self, url: URL) -> Proxy | None:
        if not self._environment:
            return None
        origin = url.origin()
        if origin not in self._proxies:
            self._proxies[origin] = _proxy.from_environment(
                url.scheme, url.host or "", url.port or 0, self._environment
            )
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close every connection, idle or in use."""
        self.watch.close()
        self.slots.close()
        for ways in self._leave():
            await ways.aclose()

    def abandon(self) -> None:
        """Close every connection after the loop was closed without a chance to do so."""
        for ways in self._leave():
            ways.abandon()
        for exchange in self.active:
            exchange.abandon()

    def _leave(self) -> list[Ways]:
        self.closed = True
        ways, self._ways = list(self._ways.values()), {}
        return ways

    def budget_left(self) -> float:
        """What is left of the smallest retry budget of the hosts asked so far, of 100."""
        budgets = [_hosts[place].budget.left for place in self._seen if place in _hosts]
        return min(budgets, default=RetryBudget.capacity)

    def __repr__(self) -> str:
        return (
            f"<Transport {'closed' if self.closed else 'open'}: {len(self.active)} active, "
            f"{sum(ways.idle() for ways in self._ways.values())} idle, {self.waiting} waiting, "
            f"retry budget {self.budget_left():g}>"
        )


class _LoopEnd:
    """Lives in a timer that never fires, and so is let go of when its loop is closed."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __call__(self) -> None:
        """Do nothing, years from now."""

    def __del__(self) -> None:
        if not self._transport.closed:
            self._transport.abandon()


_current: dict[asyncio.AbstractEventLoop, tuple[Transport, AsyncGenerator[Transport, None]]] = {}


async def current(*, connections: int = CONNECTIONS) -> Transport:
    """The running loop's own transport, made at first use and closed with the loop.

    Args:
        connections: how many may be open at once, where this is the first use.

    A suspended generator holds it, which ``asyncio.run`` closes with all others. A loop that is
    closed by hand drops its timers, and one of those holds the transport as well.
    """
    loop = asyncio.get_running_loop()
    found = _current.get(loop)
    if found is None or found[0].closed:
        for closed in [other for other in _current if other.is_closed()]:
            _current.pop(closed, None)
        keeper = _keep(loop, connections)
        found = _current[loop] = (await anext(keeper), keeper)
    return found[0]


async def _keep(
    loop: asyncio.AbstractEventLoop, connections: int
) -> AsyncGenerator[Transport, None]:
    transport = Transport(connections=connections)
    # The loop alone holds the timer, so that closing the loop lets go of it.
    timer = weakref.ref(loop.call_later(YEARS, _LoopEnd(transport)))
    try:
        yield transport
    finally:
        _current.pop(loop, None)
        await transport.aclose()  # first: the timer's end takes what is still open for abandoned
        if (handle := timer()) is not None:
            handle.cancel()
