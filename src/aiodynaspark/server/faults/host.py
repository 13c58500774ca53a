"""Listens, reads requests, and has a fault answer them."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from ..listen import cannot_listen
from ..origins import bracketed
from .profile import find
from .visit import Visit, read_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HEAD = 64 * 1024
SEED = 1


class Host:
    """A faulty host.

    Attributes:
        requests: how many have come.
        since: when the first one came, on the loop's clock.
        random: what the profile ``flaky`` draws from; every run draws the same.

    Args:
        fault: a profile's name, or ``NAME:N``.

    Raises:
        UsageError: there is no such profile.
    """

    def __init__(self, fault: str) -> None:
        self.profile, self.value = find(fault)
        self.requests = 0
        self.since = 0.0
        self.random = random.Random(SEED)
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listen while inside; yields the base URL.

        Raises:
            UsageError: the port is in use, or the address is not one of this machine's.
        """
        try:
            server = await asyncio.start_server(self._connected, host, port, limit=HEAD)
        except OSError as error:
            raise cannot_listen(error, host, port) from error
        try:
            yield f"http://{bracketed(host)}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            if task.cancelled():
                writer.transport.abort()
            writer.close()

        task = asyncio.create_task(self._talk(reader, writer))
        self._connections.add(task)
        task.add_done_callback(ended)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            while await self._visited(reader, writer):
                pass

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Have one request answered; True where another one may follow on this connection."""
        path, body = await read_request(reader)
        if not self.requests:
            self.since = asyncio.get_running_loop().time()
        self.requests += 1
        visit = Visit(self, reader, writer, path=path, body=body)
        await self.profile.play(visit)
        return not visit.over

    def __repr__(self) -> str:
        return f"<Host {self.profile.name}:{self.value:g}, {self.requests} requests>"


async def run(fault: str, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Fail until SIGTERM or SIGINT.

    Args:
        fault: a profile's name, or ``NAME:N``.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        started: called with the base URL once the port is bound.

    Raises:
        UsageError: there is no such profile, or the address cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Host(fault).listening(host=host, port=port) as url:
        started(url)
        await stop.wait()
