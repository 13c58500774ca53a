"""Whatever an answer holds, it stays text: no alert, no request elsewhere, no frozen page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from payloads import CALLS, LINKS, MARKUP, SHAPES
from playwright.async_api import expect
from scripted import Scripted
from upstream import Upstream, upstream
from visitor import Chat

from aiodynaspark import Facts, Notice, ServedBy, UpstreamError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALLOWED = {
    *("A", "ARTICLE", "BLOCKQUOTE", "BR", "BUTTON", "CODE", "DIV", "EM", "H3", "H4", "H5", "H6"),
    *("HR", "LI", "OL", "P", "PRE", "S", "SPAN", "STRONG", "TABLE", "TBODY", "TD", "TH", "THEAD"),
    *("TR", "UL"),
}
TAGS = "[...new Set([...document.querySelectorAll('#turns .assistant *')].map((e) => e.tagName))]"
HANDLERS = """[...document.querySelectorAll("#turns *")].flatMap((element) =>
  element.getAttributeNames().filter((name) => name.startsWith("on") || name === "style"))"""
LINKED = """[...document.querySelectorAll("#turns a")].map(
  ({ href, rel, target }) => ({ href, rel, target }))"""


@pytest_asyncio.fixture(loop_scope="session")
async def trap() -> AsyncIterator[Upstream]:
    """A server that really is there, and that nobody may call."""
    async with upstream() as server:
        yield server
        assert server.connections == set()


async def show(chat: Chat, answer: str) -> str:
    """Have it answered; returns what the page then shows."""
    Scripted.chunks = [answer[:7], answer[7:]]
    await chat.page.locator("#new").click()
    await chat.ask("go on")
    await chat.done()
    return await chat.answer.inner_text()


async def hold(chat: Chat) -> None:
    """What is shown is made of nothing but what Markdown is made of."""
    assert set(await chat.page.evaluate(TAGS)) <= ALLOWED
    assert await chat.page.evaluate(HANDLERS) == []
    for link in await chat.page.evaluate(LINKED):
        assert link["href"].startswith(("http://", "https://"))
        assert (link["rel"], link["target"]) == ("noopener noreferrer", "_blank")


async def test_markup_is_shown(chat: Chat, trap: Upstream) -> None:
    for payload in MARKUP:
        text = payload.format(trap=trap.url)
        assert text.replace("'", "") in (await show(chat, text)).replace("'", "")
        await hold(chat)


async def test_only_http_becomes_a_link(chat: Chat, trap: Upstream) -> None:
    for payload in LINKS:
        await show(chat, payload.format(trap=trap.url))
        await hold(chat)
        assert await chat.page.evaluate(LINKED) == [], payload


async def test_nothing_calls_home(chat: Chat, trap: Upstream) -> None:
    for payload in CALLS:
        await show(chat, payload.format(trap=trap.url))
        await hold(chat)
        for link in await chat.page.evaluate(LINKED):
            assert link["href"].startswith(trap.url)
    await chat.page.reload()
    await hold(chat)


async def test_ugly_shapes(chat: Chat) -> None:
    for payload in SHAPES:
        shown = await show(chat, payload)
        await hold(chat)
        assert not {"\u202e", "\u2066"} & set(shown)
        await chat.page.reload()
        await hold(chat)


async def test_nor_does_anything_else_the_server_says(chat: Chat, trap: Upstream) -> None:
    image = f"<img src={trap.url}/i onerror=alert(1)>"
    facts = Facts(image, 1, 1, 1, colours=(image,), text=(image, image), matches=(0,))
    await chat.page.locator("#files").set_input_files(
        {"name": image, "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
    )
    await expect(chat.attached).to_contain_text("onerror")
    await chat.page.get_by_role("button", name=f"Remove {image}").click()
    await chat.page.locator("#files").set_input_files("examples/sign.png")
    Scripted.chunks = [facts, "x", Notice(image), ServedBy(image), UpstreamError(image, status=500)]
    await chat.ask(image)
    await chat.done()
    await expect(chat.notes).to_contain_text("onerror")
    assert await chat.page.locator("#turns img").count() == 1  # the one that was sent
    Scripted.chunks = [UpstreamError(image, status=500)]
    await chat.ask(image)
    await expect(chat.problem).to_contain_text("onerror")
    assert await chat.page.locator("#problem img, #conversations img, h1 img").count() == 0


async def test_a_line_of_5_mb_freezes_nothing(chat: Chat) -> None:
    Scripted.chunks = ["x" * 8192] * 640
    await chat.ask("go on")
    await chat.done()
    length = "document.querySelector('.answer').textContent.length"
    assert await chat.page.evaluate(length) == 640 * 8192
    await chat.prompt.fill("still alive")
    await expect(chat.prompt).to_have_value("still alive")
    await chat.page.reload()
    await chat.answer.locator(".piece").first.wait_for()
    assert await chat.page.evaluate(length) == 640 * 8192
