"""Which model a command asks, and the server in this process that it may need for it."""

from __future__ import annotations

import json
import urllib.request
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import registry, settings
from ..model import Model
from ..providers.dynaspark import Dynaspark
from .progress import opening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def named(name: str, url: str | None) -> Model | None:
    """The model of the registry that a name stands for, where no server is named beside it."""
    if url is None and name.partition(":")[0] in registry.names():
        return registry.find(name)
    return None


@asynccontextmanager
async def target(name: str, url: str | None, *, direct: bool = False) -> AsyncIterator[Model]:
    """Give the model to ask while inside.

    A name of the registry (``echo``, ``openai:MODEL``) is that model. Any other name goes to a
    Dynaspark server as it is: the one at ``url``, else at ``DYNASPARK_URL``, else one that listens
    on the default port, else one that is started here with the embedded model; with ``direct`` the
    embedded model itself, which can tell turns apart.
    """
    address = url or settings.configured_url()
    if (model := named(name, url)) is not None:
        yield model
    elif address is not None:
        yield Model(Dynaspark, name, server_options(address))
    elif _ours_listens():
        yield Model(Dynaspark, name, server_options(settings.DEFAULT_URL))
    elif direct:
        model = Model(registry.find("local").provider, name, {"warm": False})
        await opening(model)
        yield model
    else:
        async with _own_server() as started:
            yield Model(Dynaspark, name, {"url": started})


def server_options(address: str) -> dict[str, Any]:
    """The options for an address: with a path of its own it is the endpoint, else the base."""
    where = "api_endpoint" if urlsplit(address).path.strip("/") else "url"
    return {where: address, "api_key": settings.api_key()}


@asynccontextmanager
async def _own_server() -> AsyncIterator[str]:
    from ..server import Catalog, running

    # One ask alone: warming the fixed prompts would only keep it waiting.
    model = registry.find("local", warm=False)
    await opening(model)
    async with running(Catalog({model.label: model})) as url:
        yield url


def _ours_listens() -> bool:
    """Whether what listens on the default port, if anything, is one of our servers."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{settings.DEFAULT_URL}/health", timeout=2) as answer:
            found = json.loads(answer.read(65_536))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("name") == "aiodynaspark"
