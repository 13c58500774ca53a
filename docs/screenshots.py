"""Draws ``docs/page-*.png``: the example invoice dropped on the page, asked about for real."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from aiodynaspark import registry
from aiodynaspark.server import Catalog, running

ROOT = Path(__file__).parents[1]
INVOICE = ROOT / "examples" / "invoice.png"
VIEWS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 720}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 720}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}


async def main() -> None:
    """Start a server with the embedded model, and take a picture of each view."""
    model = registry.find("local")
    async with running(Catalog({model.label: model})) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, options in VIEWS.items():
            await _draw(browser, url, name, options)
        await browser.close()


async def _draw(browser: Browser, url: str, name: str, options: dict[str, object]) -> None:
    context = await browser.new_context(locale="en-US", **options)
    page = await context.new_page()
    await page.goto(url)
    await page.locator("#model option").first.wait_for(state="attached")
    await _ask(page, "What is the capital of France?")
    await page.evaluate("document.querySelector('#new').click()")
    await _drop(page, INVOICE)
    await _ask(page, "What is the total?")
    await page.screenshot(path=ROOT / "docs" / f"page-{name}.png")
    await context.close()


async def _ask(page: Page, question: str) -> None:
    await page.locator("#prompt").fill(question)
    await page.locator("#prompt").press("Enter")
    await page.locator(".turn:last-child .actions").wait_for(timeout=120_000)


async def _drop(page: Page, file: Path) -> None:
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 180, "y": 300, "data": data}
        await session.send("Input.dispatchDragEvent", event)
    await page.locator("#attached li").wait_for()


if __name__ == "__main__":
    asyncio.run(main())
