"""The chat page as its user sees it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page

FAILED_LOAD = "Failed to load resource"  # the browser's own line for each status from 400 up


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
