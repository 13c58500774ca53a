"""A real Chromium, and a fresh profile for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright
from scripted import Scripted
from visitor import Chat

from aiodynaspark import Model, registry
from aiodynaspark.server import Catalog, running

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
NOTE_VIOLATIONS = """
  window.violations = [];
  addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Run a browser while inside."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=FLAGS, env={"HOME": str(profile)}
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium(tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(
    browser: Browser, request: pytest.FixtureRequest
) -> AsyncIterator[BrowserContext]:
    """A profile of its own, with the options that a test is parametrised with."""
    options = {"viewport": {"width": 1000, "height": 720}, "locale": "en-US"}
    context = await browser.new_context(**{**options, **getattr(request, "param", {})})
    await context.add_init_script(NOTE_VIOLATIONS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def url() -> AsyncIterator[str]:
    Scripted.chunks, Scripted.asked, Scripted.closed = ["hello"], [], asyncio.Event()
    catalog = Catalog({"scripted": Model(Scripted), "echo": registry.find("echo")})
    async with running(catalog) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def chat(context: BrowserContext, url: str) -> AsyncIterator[Chat]:
    """The page, opened; in the end nothing was asked for elsewhere, and nothing went wrong."""
    chat = Chat(await context.new_page(), url)
    await chat.open()
    yield chat
    assert chat.elsewhere == []
    assert chat.faults == []
    assert await chat.page.evaluate("violations") == []
