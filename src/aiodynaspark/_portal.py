"""One background event loop for callers that cannot await."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
    from typing import Any

T = TypeVar("T")


class Portal:
    """A daemon thread that runs an event loop until the process ends."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._main(started),), name="aiodynaspark", daemon=True
        )
        self._thread.start()
        started.wait()

    async def _main(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        started.set()
        await self._stop.wait()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine over there and wait for its result; cancel it if the wait is broken."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine over there and do not wait."""
        try:
            asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:  # the loop has ended, and ended the generators with it
            coroutine.close()

    def stop(self) -> None:
        """End the loop, which closes what still runs on it, and wait for the thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)


_portal: Portal | None = None
_lock = threading.Lock()


def _running() -> Portal:
    """The process's portal; a forked child gets its own, since threads do not survive a fork."""
    global _portal
    with _lock:
        if _portal is None or _portal.pid != os.getpid():
            _portal = Portal()
            atexit.register(_portal.stop)
        return _portal


def iterate(start: Callable[[], AsyncGenerator[T, None]]) -> Iterator[T]:
    """Iterate an async generator from synchronous code; closing the iterator closes it."""
    portal = _running()
    generator: AsyncGenerator[T, None] | None = None

    async def step() -> T:
        nonlocal generator
        if generator is None:
            generator = start()
        return await anext(generator)

    async def close() -> None:
        if generator is not None:
            await generator.aclose()

    try:
        while True:
            try:
                chunk = portal.call(step())
            except StopAsyncIteration:
                return
            yield chunk
    finally:
        # Not waited for: the garbage collector may run this on any thread, the loop's own too.
        portal.spawn(close())
