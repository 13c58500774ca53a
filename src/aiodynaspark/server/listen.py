"""Binds a port, runs the application, and stops it."""

from __future__ import annotations

import asyncio
import errno
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from .app import make_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .catalog import Catalog

DRAIN = 10.0
"""Seconds that running answers get when the server stops."""


@asynccontextmanager
async def running(
    catalog: Catalog, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve a catalog's models while inside; yields the base URL.

    Args:
        catalog: the models.
        host: the address to listen on.
        port: the port; 0 takes a free one.

    Raises:
        UsageError: the port is in use, or the address is not one of this machine's.
    """
    runner = web.AppRunner(
        make_app(catalog), handler_cancellation=True, access_log=None, shutdown_timeout=DRAIN
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise _cannot_listen(error, host, port) from error
        yield f"http://{_bracketed(host)}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def run(catalog: Catalog, *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        catalog: the models.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        started: called with the base URL once the port is bound.

    Raises:
        UsageError: the port is in use, or the address is not one of this machine's.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(catalog, host=host, port=port) as url:
        started(url)
        await stop.wait()


def _cannot_listen(error: OSError, host: str, port: int) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(f"Port {port} on {host} is in use; choose another one with --port.")
    if error.errno == errno.EACCES:
        return UsageError(f"Port {port} needs rights that this user lacks; choose one above 1023.")
    return UsageError(f"{host} is no address of this machine; choose another one with --host.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
