"""A real Chromium with a fresh profile, and the page it is shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    async_playwright,
)
from scripted import Scripted

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
FAILED_LOAD = "Failed to load resource"  # the browser's own line for each status from 400 up
NOTE_VIOLATIONS = """
  window.violations = [];
  addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""


class Chat:
    """The page as its user sees it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.elsewhere: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note_console)

    @property
    def prompt(self) -> Locator:
        return self.page.locator("#prompt")

    @property
    def answer(self) -> Locator:
        """The body of the last answer."""
        return self.page.locator(".answer").last

    @property
    def notes(self) -> Locator:
        return self.page.locator(".notes").last

    @property
    def problem(self) -> Locator:
        return self.page.locator("#problem")

    @property
    def attached(self) -> Locator:
        return self.page.locator("#attached li")

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.url + path)
        await self.page.locator("#model option").first.wait_for(state="attached")

    async def ask(self, text: str) -> None:
        await self.prompt.fill(text)
        await self.prompt.press("Enter")

    async def done(self) -> None:
        """Wait until the answer has ended."""
        await self.page.locator("#send:not([hidden])").wait_for()
        await self.page.locator(".actions:not([hidden])").last.wait_for()

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data") and not url.startswith(self.url):
            self.elsewhere.append(url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and FAILED_LOAD not in message.text:
            self.faults.append(message.text)


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


def lines(text: str) -> list[str]:
    """A text as the page shows it, without regard to its spaces."""
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]
