"""Pictures by button, paste and drop."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, expect
from scripted import Scripted
from visitor import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

EXAMPLES = Path(__file__).parents[2] / "examples"
SIGN, CHART = EXAMPLES / "sign.png", EXAMPLES / "chart.png"
PASTE_PICTURE = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 3 });
  canvas.getContext("2d").fillRect(0, 0, 2, 2);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""


def sent() -> list[bytes]:
    """The pictures that the model was given last."""
    parts = Scripted.asked[-1]["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


async def drop(chat: Chat, *files: Path) -> None:
    """Drop files as a file manager does."""
    session = await chat.page.context.new_cdp_session(chat.page)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 500, "y": 300, "data": data}
        await session.send("Input.dispatchDragEvent", event)


async def test_by_button(chat: Chat) -> None:
    async with chat.page.expect_file_chooser() as chooser:
        await chat.page.locator("#attach").click()
    await (await chooser.value).set_files([SIGN, CHART])
    await expect(chat.attached).to_have_count(2)
    await chat.page.get_by_role("button", name="Remove chart.png").click()
    await chat.ask("What does it say?")
    await chat.done()
    assert sent() == [SIGN.read_bytes()]
    await expect(chat.attached).to_have_count(0)


async def test_two_by_drop_and_found_again(chat: Chat) -> None:
    await drop(chat, SIGN, CHART)
    await expect(chat.attached).to_have_count(2)
    await expect(chat.page.locator("#drop")).to_be_hidden()
    await chat.prompt.press("Enter")  # pictures need no words
    await chat.done()
    assert sent() == [SIGN.read_bytes(), CHART.read_bytes()]
    await chat.page.reload()
    loaded = "[...document.querySelectorAll('figure img')].map((image) => image.naturalWidth > 0)"
    await expect(chat.page.locator("figure img")).to_have_count(2)
    await chat.page.wait_for_function(f"{loaded}.every(Boolean)")
    await chat.ask("And now?")
    await chat.done()
    assert len(Scripted.asked[-1]["messages"][0]["content"]) == 2


async def test_by_paste(chat: Chat, context: BrowserContext) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await chat.page.evaluate(PASTE_PICTURE)
    await chat.prompt.focus()
    await chat.page.keyboard.press("Control+v")
    await expect(chat.attached).to_have_count(1)
    await chat.ask("What is it?")
    await chat.done()
    assert sent()[0].startswith(b"\x89PNG")


async def test_pasted_words_stay_words(chat: Chat, context: BrowserContext) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await chat.page.evaluate("navigator.clipboard.writeText('only words')")
    await chat.prompt.focus()
    await chat.page.keyboard.press("Control+v")
    await expect(chat.prompt).to_have_value("only words")
    await expect(chat.attached).to_have_count(0)


async def test_a_picture_opens_large_and_closes(chat: Chat) -> None:
    await drop(chat, SIGN)
    await chat.ask("x")
    await chat.done()
    await chat.page.locator(".zoom").click()
    await expect(chat.page.locator("dialog img")).to_be_visible()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.locator("dialog")).to_have_count(0)


async def test_one_that_is_too_large_is_not_taken(chat: Chat, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    await drop(chat, large, SIGN)
    await expect(chat.problem).to_contain_text("large.png is larger than 20 MiB")
    await expect(chat.attached).to_have_count(1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<svg onload='alert(1)'/>", "JPEG"),
        (b"%PDF-1.7", "JPEG"),
        (b"\x89PNG\r\n\x1a\nxx", "cut short"),
    ],
    ids=["svg", "pdf", "cut"],
)
async def test_one_that_is_refused_comes_back(
    chat: Chat, tmp_path: Path, data: bytes, says: str
) -> None:
    file = tmp_path / "a.svg"
    file.write_bytes(data)
    await drop(chat, file)
    await chat.ask("look at this")
    await expect(chat.problem).to_contain_text(says)
    await expect(chat.prompt).to_have_value("look at this")
    await expect(chat.attached).to_have_count(1)
    await expect(chat.page.locator(".turn")).to_have_count(0)
    assert Scripted.asked == []


async def test_one_that_is_wrongly_named_is_taken(chat: Chat, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(SIGN.read_bytes())
    await drop(chat, file)
    await chat.ask("look at this")
    await chat.done()
    assert sent() == [SIGN.read_bytes()]
