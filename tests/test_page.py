"""The chat page's files over real sockets; how it behaves is tested in ``browser/``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from aiodynaspark import registry
from aiodynaspark.server import ApiKeys, Catalog, Policy, running
from aiodynaspark.server.page.page import assets

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
}


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    policy = Policy(keys=ApiKeys(["k-5ecret"]))
    catalog = Catalog({"echo": registry.find("echo")})
    async with running(catalog, policy=policy) as url, aiohttp.ClientSession(url) as session:
        yield session


async def test_every_file_comes_without_a_key_and_under_the_policy(
    client: aiohttp.ClientSession,
) -> None:
    for name, asset in assets().items():
        async with client.get("/" if name == "index.html" else f"/page/{name}") as answer:
            assert answer.status == 200
            assert await answer.read() == asset.body
            assert answer.headers["content-type"] == TYPES[name.rpartition(".")[2]]
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers["content-security-policy"].split("; ")
            assert policy[:2] == ["default-src 'self'", "img-src 'self' blob:"]
            assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_file_that_is_known_is_not_sent_again(client: aiohttp.ClientSession) -> None:
    async with client.get("/page/app.js") as answer:
        tag = answer.headers["etag"]
    for known, status in [(tag, 304), (f'"other", W/{tag}', 304), ("*", 304), ('"other"', 200)]:
        async with client.get("/page/app.js", headers={"if-none-match": known}) as answer:
            assert (answer.status, answer.headers["etag"]) == (status, tag)
            assert bool(await answer.read()) == (status == 200)


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.py", "%2e%2e/page.py", ".", "a/b"])
async def test_there_is_nothing_else(client: aiohttp.ClientSession, name: str) -> None:
    async with client.get(f"/page/{name}") as answer:
        assert answer.status in (401, 404)


def test_nothing_is_inline_and_nothing_makes_html() -> None:
    for name, asset in assets().items():
        text = asset.body.decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text), (
            name
        )
    index = assets()["index.html"].body.decode()
    assert not re.search(r"<style|<script(?! (type=\"module\" )?src)| on\w+=| style=", index)


def test_both_languages_say_the_same() -> None:
    english, russian = (
        re.findall(r"^  (\w+): (\".*\"),$", assets()[f"{name}.js"].body.decode(), re.M)
        for name in ("english", "russian")
    )
    assert [key for key, _ in english] == [key for key, _ in russian]
    filled = [
        [sorted(re.findall(r"\{\w+\}", text)) for _, text in each] for each in (english, russian)
    ]
    assert filled[0] == filled[1]


def test_every_text_that_is_asked_for_exists() -> None:
    known = set(re.findall(r"^  (\w+): ", assets()["english.js"].body.decode(), re.M))
    code = "".join(asset.body.decode() for asset in assets().values())
    asked = set(re.findall(r"\bt\(\"(\w+)\"", code)) | set(
        re.findall(r"data-(?:text|label|hint)=\"(\w+)\"", code)
    )
    asked |= set(re.findall(r"label\(\w+(?:\(\"\w+\"\))?, \"(\w+)\"", code))
    indirect = {
        *("auto", "light", "dark"),
        *("lostRoles", "lostMedia", "lostPicture", "lostOption", "lostOther"),
    }
    assert known == asked | indirect
