"""Asking, streaming, stopping, and what is kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect
from scripted import Scripted
from visitor import Chat

from aiodynaspark import Dynaspark, Facts, FinishReason, Model, Notice, ServedBy, registry
from aiodynaspark.server import Catalog, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


class TestAsking:
    async def test_an_answer_streams(self, chat: Chat) -> None:
        gate = asyncio.Event()
        Scripted.chunks = ["**First** words", gate, ", last words."]
        await chat.ask("Say something")
        await expect(chat.answer.locator("strong")).to_have_text("First")
        await expect(chat.answer).to_have_text("First words")
        await expect(chat.page.locator("#stop")).to_be_visible()
        gate.set()
        await chat.done()
        await expect(chat.answer).to_have_text("First words, last words.")
        assert Scripted.asked[0]["messages"] == [{"role": "user", "content": "Say something"}]

    async def test_the_conversation_goes_along(self, chat: Chat) -> None:
        await chat.ask("one")
        await chat.done()
        await chat.ask("two")
        await chat.done()
        said = [(m["role"], m["content"]) for m in Scripted.asked[-1]["messages"]]
        assert said == [("user", "one"), ("assistant", "hello"), ("user", "two")]

    async def test_stop_keeps_what_came(self, chat: Chat) -> None:
        Scripted.chunks = ["So far", asyncio.Event()]
        await chat.ask("Go on for ever")
        await expect(chat.answer).to_have_text("So far")
        await chat.page.locator("#stop").click()
        await expect(chat.notes).to_have_text("Stopped.")
        await Scripted.closed.wait()
        await expect(chat.prompt).to_be_focused()

    async def test_ask_again(self, chat: Chat) -> None:
        await chat.ask("What?")
        await chat.done()
        Scripted.chunks = ["another"]
        await chat.page.get_by_role("button", name="Ask again").click()
        await expect(chat.answer).to_have_text("another")
        assert len(Scripted.asked[-1]["messages"]) == 1

    async def test_the_model_and_the_instructions_are_chosen(self, chat: Chat) -> None:
        await chat.page.locator("#instructions").click()
        await chat.page.locator("dialog textarea").fill("Be brief.")
        await chat.page.get_by_role("button", name="Save").click()
        await chat.ask("one")
        await chat.done()
        assert Scripted.asked[0]["messages"][0] == {"role": "system", "content": "Be brief."}
        await chat.page.locator("#model").select_option("echo")
        await chat.ask("repeat this")
        await chat.done()
        await expect(chat.answer).to_have_text("repeat this")
        await chat.page.reload()
        await expect(chat.page.locator("#model")).to_have_value("echo")

    async def test_what_was_lost_and_noted_stands_beside(self, chat: Chat) -> None:
        Scripted.chunks = ["cut", Notice("Mind this."), ServedBy("m2"), FinishReason("length")]
        await chat.ask("x")
        await chat.done()
        await expect(chat.notes.locator("li")).to_have_text(
            ["Mind this.", "The answer ended at its greatest length."]
        )
        await expect(chat.page.locator(".actions .quiet")).to_have_text("m2")

    async def test_code_has_a_button_that_copies_it(
        self, chat: Chat, context: BrowserContext
    ) -> None:
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        Scripted.chunks = ["```python\nprint(1)\n  # two\n```\n"]
        await chat.ask("x")
        await chat.done()
        await chat.answer.get_by_role("button", name="Copy").click()
        await expect(chat.answer.get_by_role("button")).to_have_text("Copied")
        copied = await chat.page.evaluate("navigator.clipboard.readText()")
        assert copied == "print(1)\n  # two"


class TestKeeping:
    async def test_a_conversation_is_found_again(self, chat: Chat) -> None:
        Scripted.chunks = ["# kept"]
        await chat.ask("Remember me")
        await chat.done()
        await chat.page.reload()
        await expect(chat.answer.get_by_role("heading")).to_have_text("kept")
        await chat.open()
        await expect(chat.page.locator("#welcome")).to_be_visible()
        await chat.page.get_by_role("button", name="Remember me", exact=True).click()
        await expect(chat.answer).to_have_text("kept")

    async def test_a_reload_keeps_what_was_typed(self, chat: Chat) -> None:
        await chat.prompt.fill("not sent yet")
        await chat.page.reload()
        await expect(chat.prompt).to_have_value("not sent yet")

    async def test_an_answer_goes_on_while_another_conversation_is_read(self, chat: Chat) -> None:
        gate = asyncio.Event()
        Scripted.chunks = ["begun", gate, " and ended"]
        await chat.ask("slow one")
        await expect(chat.answer).to_have_text("begun")
        await chat.page.locator("#new").click()
        await expect(chat.page.locator("#send")).to_be_visible()
        gate.set()
        await chat.page.get_by_role("button", name="slow one", exact=True).click()
        await expect(chat.answer).to_have_text("begun and ended")

    async def test_rename_and_delete(self, chat: Chat) -> None:
        await chat.ask("old name")
        await chat.done()
        await chat.page.get_by_role("button", name="Rename: old name").click()
        await chat.page.locator("dialog input").fill("new name")
        await chat.page.keyboard.press("Enter")
        await expect(chat.page.locator("h1")).to_have_text("new name")
        await chat.page.get_by_role("button", name="Delete: new name").click()
        await chat.page.get_by_role("button", name="Delete", exact=True).click()
        await expect(chat.page.locator("#conversations li")).to_have_count(0)
        await expect(chat.page.locator("#welcome")).to_be_visible()
        await chat.page.reload()
        await expect(chat.page.locator("#conversations li")).to_have_count(0)

    async def test_export(self, chat: Chat, tmp_path: Path) -> None:
        Scripted.chunks = [Notice("Noted."), "the *answer*"]
        await chat.ask("the question")
        await chat.done()
        files = {}
        for kind in ("JSON", "Markdown"):
            await chat.page.locator("#export").click()
            async with chat.page.expect_download() as download:
                await chat.page.get_by_role("button", name=kind).click()
            file = await download.value
            await file.save_as(tmp_path / kind)
            files[file.suggested_filename] = (tmp_path / kind).read_text()
        kept = json.loads(files["the-question.json"])
        assert [turn["text"] for turn in kept["turns"]] == ["the question", "the *answer*"]
        read = files["the-question.md"]
        assert read.startswith(
            "# the question\n\n## You\n\nthe question\n\n## scripted\n\nthe *answer*"
        )
        assert "*Noted.*" in read


class TestWhoReads:
    @pytest.mark.parametrize("context", [{"locale": "ru-RU"}], indirect=True)
    async def test_in_russian(self, chat: Chat) -> None:
        await expect(chat.page.locator("html")).to_have_attribute("lang", "ru")
        await expect(chat.page.locator("#welcome h2")).to_have_text("Что вы хотите узнать?")

    async def test_light_and_dark(self, chat: Chat) -> None:
        colour = "getComputedStyle(document.body).backgroundColor"
        await chat.page.emulate_media(color_scheme="dark")
        dark = await chat.page.evaluate(colour)
        await chat.page.locator("#theme").click()
        light = await chat.page.evaluate(colour)
        assert light == "rgb(255, 255, 255)" != dark
        await chat.page.reload()
        assert await chat.page.evaluate(colour) == light

    async def test_by_keyboard_alone(self, chat: Chat) -> None:
        Scripted.chunks = ["waiting", asyncio.Event()]
        await expect(chat.prompt).to_be_focused()
        await chat.page.keyboard.type("first line")
        await chat.page.keyboard.press("Shift+Enter")
        await chat.page.keyboard.type("second line")
        await chat.page.keyboard.press("Enter")
        await expect(chat.answer).to_have_text("waiting")
        await chat.page.keyboard.press("Escape")
        await expect(chat.notes).to_have_text("Stopped.")
        assert Scripted.asked[0]["messages"][0]["content"] == "first line\nsecond line"
        reached = set()
        for _ in range(25):
            await chat.page.keyboard.press("Tab")
            reached.add(
                await chat.page.evaluate(
                    "document.activeElement.id || document.activeElement.textContent"
                )
            )
        assert reached >= {
            *("new", "model", "instructions", "export", "theme", "scroller"),
            *("attach", "prompt", "✎", "✕", "Copy", "Ask again"),
        }

    @pytest.mark.parametrize(
        "context", [{"viewport": {"width": 360, "height": 640}}], indirect=True
    )
    async def test_on_a_phone(self, chat: Chat) -> None:
        Scripted.chunks = [
            "A long_word_" + "x" * 300 + "\n\n```\n" + "code " * 60 + "\n```\n\n"
            "| a | b |\n|---|---|\n| " + "wide " * 40 + "| 2 |\n"
        ]
        await chat.ask("y" * 200)
        await chat.done()
        assert await chat.page.evaluate("document.documentElement.scrollWidth") == 360
        assert await chat.page.evaluate("document.querySelector('#scroller').scrollWidth") <= 360
        await chat.page.locator("#open-sidebar").click()
        await expect(chat.page.locator("#new")).to_be_focused()
        await chat.page.keyboard.press("Escape")
        await expect(chat.page.locator("#sidebar")).to_be_hidden()
        await chat.page.locator("#open-sidebar").click()
        await chat.page.locator("#new").click()
        await expect(chat.page.locator("#welcome")).to_be_visible()


FACTS = Facts("image/png", 320, 200, 2048, colours=("white",), text=("one", "two"), matches=(1,))


async def test_facts_are_foldable_under_their_picture(chat: Chat) -> None:
    Scripted.chunks = [FACTS, "answer"]
    await chat.page.locator("#files").set_input_files("examples/sign.png")
    await chat.ask("what is it?")
    await chat.done()
    facts = chat.page.locator("figure .facts")
    await expect(facts.locator("mark")).to_have_text("two")
    await expect(facts).to_contain_text("320 × 200, PNG, 2 kB")
    await facts.locator("summary").click()
    await expect(facts.locator("mark")).to_be_hidden()
    await chat.page.reload()
    await expect(chat.page.locator("figure .facts summary")).to_be_visible()


async def test_what_a_wire_could_not_carry_stands_beside(context: BrowserContext) -> None:
    async with running(Catalog({"echo": registry.find("echo")})) as far:
        model = Model(Dynaspark, "", {"url": far})
        async with running(Catalog({"far": model})) as url:
            chat = Chat(await context.new_page(), url)
            await chat.open()
            await chat.page.locator("#files").set_input_files(
                ["examples/sign.png", "examples/chart.png"]
            )
            await chat.ask("one")
            await chat.done()
            await expect(chat.notes).to_contain_text("A picture did not reach the model.")
            await expect(chat.page.locator(".actions .quiet")).to_have_text("echo")
            await chat.ask("two")
            await chat.done()
            await expect(chat.notes).to_contain_text("became part of one prompt")
