"""What axe finds, in each state of the page and in both themes."""

from __future__ import annotations

import asyncio

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from scripted import Scripted
from visitor import Chat

from aiodynaspark import Facts, Notice

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FACTS = Facts("image/png", 320, 200, 2048, colours=("white",), text=("one", "two"), matches=(1,))
RICH = """## Title

A [link](https://example.com), `code` and **more**.

1. one
2. two

> quoted

```python
print(1)
```

| a | b |
|---|--:|
| 1 | 2 |
"""


async def faults(chat: Chat) -> list[str]:
    found = await Axe().run(chat.page)
    return [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in found.response["violations"]
        if fault["id"] != "heading-order"  # the model chooses the headings of its answer
        and fault["impact"] in ("serious", "critical", "moderate")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize(
    "context",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"color_scheme": "light", "viewport": {"width": 360, "height": 640}},
    ],
    indirect=True,
    ids=["light", "dark", "phone"],
)
async def test_axe_finds_nothing(chat: Chat) -> None:
    assert await faults(chat) == []
    Scripted.chunks = [FACTS, RICH, Notice("Mind this.")]
    await chat.page.locator("#files").set_input_files("examples/sign.png")
    await expect(chat.attached).to_have_count(1)
    assert await faults(chat) == []
    await chat.ask("x")
    await chat.done()
    assert await faults(chat) == []
    Scripted.chunks = [asyncio.Event()]
    await chat.ask("wait")
    await expect(chat.page.locator(".dots")).to_be_visible()
    assert await faults(chat) == []
    await chat.page.locator("#stop").click()
    Scripted.chunks = [ValueError("unexpected")]
    await chat.ask("fail")
    await expect(chat.problem).to_be_visible()
    await chat.page.locator("#instructions").click()
    await expect(chat.page.locator("dialog")).to_be_visible()
    assert await faults(chat) == []
    await chat.page.keyboard.press("Escape")
    if await chat.page.locator("#open-sidebar").is_visible():
        await chat.page.locator("#open-sidebar").click()
        assert await faults(chat) == []
