"""Opens the models while the server already listens, and knows how far that is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from .failures import known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from .catalog import Catalog


class Readiness:
    """Whether the default model is open.

    Attributes:
        reason: why it is not, None when it is.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.reason: str | None = "The model is being opened; try again in a moment."

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """Open the models in the background; close them with the server."""
        task = asyncio.create_task(self._open())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for model in self._catalog.models():
            await model.aclose()

    async def _open(self) -> None:
        for model in self._catalog.models():
            try:
                await model.open()
            except Exception as error:
                self.reason = str(known(error))
                return
        self.reason = None
