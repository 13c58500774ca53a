"""What all tests share."""

from __future__ import annotations

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from aiodynaspark.server.event_loop import new_event_loop
from aiodynaspark.transport import fast_lane, pool

if TYPE_CHECKING:
    from collections.abc import Callable

# The browser's tests name their own driver's types; those who lack it deselect them anyway.
collect_ignore = [] if find_spec("playwright") else ["browser"]

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The server's tests run on the loop of ``dynaspark serve`` as well as on asyncio's."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.path.name.startswith("test_server"):
        loops["serve"] = new_event_loop
    return loops


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them, and no conversation of theirs is kept."""
    for name in list(os.environ):
        if name.startswith(("DYNASPARK_", "OPENAI_")) and name != "DYNASPARK_CACHE":
            monkeypatch.delenv(name)
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DYNASPARK_DATA", str(tmp_path / "dynaspark-data"))


@pytest.fixture(autouse=True)
def _unknown_hosts() -> None:
    """Ports come round again; nothing is known of who listened there before."""
    pool._hosts.clear()


@pytest.fixture(params=["the short way", "the public way"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways, the second as with a release of aiohttp that is not known."""
    monkeypatch.setattr(fast_lane, "KNOWN", request.param == "the short way")
    return str(request.param)
