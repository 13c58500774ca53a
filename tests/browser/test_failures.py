"""A server that stops, comes back, wants a key, is full: it says so, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, expect
from scripted import Scripted
from visitor import Chat

from aiodynaspark import Model, RateLimitError, UpstreamError
from aiodynaspark.server import ApiKeys, Catalog, Policy, make_app, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def catalog() -> Catalog:
    return Catalog({"scripted": Model(Scripted)})


@asynccontextmanager
async def dying(port: int = 0) -> AsyncIterator[tuple[int, web.AppRunner]]:
    """A server whose connections a test may cut."""
    runner = web.AppRunner(make_app(catalog()), shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    yield runner.addresses[0][1], runner
    await runner.cleanup()


async def test_a_failure_before_the_answer_gives_back_what_was_written(chat: Chat) -> None:
    Scripted.chunks = [RateLimitError("Slow down, please.", status=429, retry_after=7)]
    await chat.ask("my question")
    await expect(chat.problem).to_contain_text("Slow down, please.")
    await expect(chat.prompt).to_have_value("my question")
    await expect(chat.page.locator("#welcome")).to_be_visible()
    Scripted.chunks = ["here it is"]
    await chat.problem.get_by_role("button", name="Ask again").click()
    await expect(chat.answer).to_have_text("here it is")
    await expect(chat.problem).to_be_hidden()
    await expect(chat.prompt).to_have_value("")


async def test_a_failure_in_the_middle_keeps_what_came(chat: Chat) -> None:
    Scripted.chunks = ["so far", UpstreamError("The model fell over.", status=500)]
    await chat.ask("my question")
    await expect(chat.notes).to_have_text("The model fell over.")
    await expect(chat.answer).to_have_text("so far")
    await chat.page.reload()
    await expect(chat.notes).to_have_text("The model fell over.")


async def test_asking_again_in_vain_keeps_the_answer(chat: Chat) -> None:
    await chat.ask("my question")
    await chat.done()
    Scripted.chunks = [UpstreamError("Not now.", status=503)]
    await chat.page.get_by_role("button", name="Ask again").click()
    await expect(chat.problem).to_contain_text("Not now.")
    await expect(chat.answer).to_have_text("hello")


async def test_a_full_server(context: BrowserContext) -> None:
    Scripted.chunks, Scripted.asked, gate = ["first", asyncio.Event()], [], asyncio.Event()
    Scripted.chunks[1] = gate
    async with running(catalog(), policy=Policy(max_requests=1)) as url:
        first, second = [Chat(await context.new_page(), url) for _ in range(2)]
        await first.open()
        await second.open()
        await first.ask("one")
        await expect(first.answer).to_have_text("first")
        await second.ask("two")
        await expect(second.problem).to_contain_text("running")
        await expect(second.prompt).to_have_value("two")
        gate.set()
        await first.done()
        await second.problem.get_by_role("button", name="Ask again").click()
        await expect(second.answer).to_have_text("first")


async def test_a_key(context: BrowserContext) -> None:
    Scripted.chunks, Scripted.asked = ["let in"], []
    async with running(catalog(), policy=Policy(keys=ApiKeys(["k-5ecret"]))) as url:
        chat = Chat(await context.new_page(), url)
        await chat.page.goto(url)
        dialog = chat.page.locator("dialog")
        await expect(dialog).to_contain_text("This server needs a key")
        await dialog.locator("input").fill("wrong")
        await chat.page.keyboard.press("Enter")
        await expect(dialog).to_have_count(1)
        await expect(dialog.locator("input")).to_have_value("")
        await dialog.locator("input").fill("k-5ecret")
        await chat.page.keyboard.press("Enter")
        await expect(dialog).to_have_count(0)
        await expect(chat.problem).to_be_hidden()
        await chat.ask("hello")
        await expect(chat.answer).to_have_text("let in")
        await chat.done()
        await chat.page.reload()
        await expect(chat.answer).to_have_text("let in")
        await expect(dialog).to_have_count(0)
        assert await chat.page.evaluate("JSON.stringify(localStorage)") == "{}"


async def test_a_server_that_stops_says_so(context: BrowserContext) -> None:
    Scripted.chunks = ["so far", asyncio.Event()]
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(running(catalog(), policy=Policy(drain=0.1)))
        chat = Chat(await context.new_page(), url)
        await chat.open()
        await chat.ask("my question")
        await expect(chat.answer).to_have_text("so far")
        await server.aclose()
        await expect(chat.notes).to_contain_text("stop")
        await expect(chat.answer).to_have_text("so far")


async def test_a_server_that_dies_and_comes_back(context: BrowserContext) -> None:
    Scripted.chunks = ["so far", asyncio.Event()]
    async with dying() as (port, runner):
        chat = Chat(await context.new_page(), f"http://127.0.0.1:{port}")
        await chat.open()
        await chat.ask("my question")
        await expect(chat.answer).to_have_text("so far")
        await runner.sites.copy().pop().stop()
        for protocol in runner.server.connections:
            protocol.transport.abort()
        await expect(chat.notes).to_contain_text("stopped in the middle of the answer")
    await chat.ask("a second question")
    await expect(chat.problem).to_contain_text("does not answer")
    await expect(chat.prompt).to_have_value("a second question")
    Scripted.chunks = ["back again"]
    async with dying(port):
        await expect(chat.problem).to_contain_text("The server is back.", timeout=20_000)
        await chat.problem.get_by_role("button", name="Ask again").click()
        await expect(chat.answer).to_have_text("back again")
