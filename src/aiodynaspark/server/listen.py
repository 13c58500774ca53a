"""Binds a port, runs the application, and stops it."""

from __future__ import annotations

import asyncio
import errno
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from ..transport import CONNECTIONS, current
from .app import make_app
from .connection import Connection
from .keys import TRAFFIC
from .origins import bracketed
from .policy import Policy
from .traffic import LAST_WORDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ..transport.corked import Cork
    from .catalog import Catalog

BACKLOG = 1024
"""Connections that may wait to be accepted."""

LINGER = 2.0
"""Seconds that a refused body is still read, so that its sender gets to read the refusal."""


@asynccontextmanager
async def running(
    catalog: Catalog,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    policy: Policy | None = None,
    reuse_port: bool = False,
) -> AsyncIterator[str]:
    """Serve a catalog's models while inside; yields the base URL.

    Leaving takes no more requests, and gives the running ones ``policy.drain`` seconds.

    Args:
        catalog: the models.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        policy: what is allowed.
        reuse_port: whether other processes may listen on the port, too.

    Raises:
        UsageError: the port is in use, the address is not one of this machine's, or others could
            reach it and no key is set.
    """
    policy = (policy or Policy()).listening_on(host)
    transport = await current(connections=max(CONNECTIONS, policy.max_requests))
    app = make_app(catalog, policy)
    runner = web.AppRunner(
        app, handler_cancellation=True, access_log=None, shutdown_timeout=LAST_WORDS
    )
    await runner.setup()
    try:
        listener = await _listen(
            runner, host, port, policy, cork=transport.cork, reuse_port=reuse_port
        )
        try:
            yield f"http://{bracketed(host)}:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()
            await app[TRAFFIC].drain(policy.drain)
    finally:
        await runner.cleanup()


async def run(
    catalog: Catalog,
    *,
    host: str,
    port: int,
    started: Callable[[str], None],
    policy: Policy | None = None,
    reuse_port: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the process as if nobody handled it.

    Args:
        catalog: the models.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        started: called with the base URL once the port is bound.
        policy: what is allowed.
        reuse_port: whether other processes may listen on the port, too.

    Raises:
        UsageError: the port is in use, the address is not one of this machine's, or others could
            reach it and no key is set.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    async with running(catalog, host=host, port=port, policy=policy, reuse_port=reuse_port) as url:
        started(url)
        await stop.wait()
        for number in signals:
            loop.remove_signal_handler(number)


async def _listen(
    runner: web.AppRunner, host: str, port: int, policy: Policy, *, cork: Cork, reuse_port: bool
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    server = runner.server
    assert server is not None, "the runner is set up"

    def connect() -> Connection:
        # Until a head is whole, a connection counts as idle: one limit bounds both.
        return Connection(
            server,
            cork,
            loop=loop,
            keepalive_timeout=policy.head,
            lingering_time=LINGER,
            access_log=None,
        )

    try:
        return await loop.create_server(
            connect, host, port, backlog=BACKLOG, reuse_port=reuse_port or None
        )
    except OSError as error:
        raise cannot_listen(error, host, port) from error


def cannot_listen(error: OSError, host: str, port: int) -> UsageError:
    """Make the error for a port that cannot be bound."""
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"Port {port} on {host} is in use; choose another one with --port.")
    if error.errno == errno.EACCES:
        return UsageError(f"Port {port} needs rights that this user lacks; choose one above 1023.")
    return UsageError(f"{host} is no address of this machine; choose another one with --host.")
