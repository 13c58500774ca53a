"""The model inside the real llm: its command line, and its library without and with await."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from environments import command, environment, run
from upstream import Upstream, answer, pieces, upstream

pytestmark = pytest.mark.clients

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
HELLO = answer('{"response": "hello", "model": "small"}')


async def llm(
    *arguments: object, at: Upstream, home: Path, code: int = 0, **settings: str
) -> subprocess.CompletedProcess[str]:
    """``llm -m dynaspark ...`` against a server."""
    return await asyncio.to_thread(
        run, "plugins", "llm", *arguments, home=home, code=code, DYNASPARK_URL=at.url, **settings
    )


async def test_it_is_listed_with_its_options_and_attachments(tmp_path: Path) -> None:
    async with upstream(HELLO) as server:
        listed = await llm("models", "--options", "-m", "dynaspark", at=server, home=tmp_path)
    for said in ("timeout: float", "retries: int", "model: str", "packing: str", "images: str"):
        assert said in listed.stdout
    assert "image/gif, image/jpeg, image/png, image/webp" in listed.stdout
    assert "streaming" in listed.stdout
    assert "async" in listed.stdout


@pytest.mark.parametrize("way", [(), ("--async", "--no-stream")])
async def test_it_answers_about_a_picture(tmp_path: Path, way: tuple[str, ...]) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(PNG)
    async with upstream(HELLO) as server:
        ask = ("-m", "dynaspark", "What is it?", "-a", picture, "-o", "model", "sees", *way)
        answered = await llm(*ask, at=server, home=tmp_path)
        assert answered.stdout == "hello\n"
        assert answered.stderr == ""
        (seen,) = server.seen
    assert b'filename="cat.png"' in seen.body
    for part in (PNG, b"What is it?", b"sees"):
        assert part in seen.body
    assert seen.header("authorization") is None


async def test_a_conversation_goes_on_and_the_answering_model_is_logged(tmp_path: Path) -> None:
    async with upstream(HELLO) as server:
        await llm("-m", "dynaspark", "-s", "be brief", "one", at=server, home=tmp_path)
        await llm("-c", "two", "-o", "packing", "safe", at=server, home=tmp_path)
        logs = await llm("logs", "--json", at=server, home=tmp_path)
        first, second = (seen.body for seen in server.seen)
    assert b"System%3A+be+brief%0AUser%3A+one%0AAssistant%3A" in first
    assert b"assistant%3A%0A%3E+hello%0Auser%3A%0A%3E+two%0Aassistant%3A" in second
    assert [entry["resolved_model"] for entry in json.loads(logs.stdout)] == ["small", "small"]


async def test_the_key_is_optional(tmp_path: Path) -> None:
    ask = ("-m", "dynaspark", "hi")
    async with upstream(HELLO) as server:
        await llm(*ask, at=server, home=tmp_path)
        await llm(*ask, at=server, home=tmp_path, DYNASPARK_API_KEY="from-environment")
        await llm(*ask, "--key", "from-command", at=server, home=tmp_path)
        sent = [seen.header("authorization") for seen in server.seen]
    assert sent == [None, "Bearer from-environment", "Bearer from-command"]


async def test_text_comes_out_while_the_server_speaks(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with upstream(pieces([b'{"response": "first ', b'second"}'], gate)) as server:
        asking = await asyncio.create_subprocess_exec(
            *command("plugins", "llm", "-m", "dynaspark", "hi"),
            env=environment(tmp_path, DYNASPARK_URL=server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert asking.stdout is not None
        assert await asking.stdout.readexactly(6) == b"first "
        gate.set()
        assert await asking.stdout.read() == b"second\n"
        assert await asking.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "timeout", "0"), "greater than 0"),
        (("-o", "retries", "many"), "valid integer"),
        (("-o", "packing", "loose"), "'plain' or 'safe'"),
        (("-a", "document.pdf"), "does not support attachments of type 'application/pdf'"),
        (("-o", "retries", "0"), "answered 500 Internal Server Error: no luck; try again later."),
    ],
)
async def test_what_goes_wrong_is_said(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "document.pdf").write_bytes(b"%PDF-1.7")
    async with upstream(answer('{"error": "no luck"}', 500)) as server:
        failed = await llm("-m", "dynaspark", "hi", *arguments, at=server, home=tmp_path, code=1)
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


LIBRARY = f"""
import asyncio, llm
PICTURE = llm.Attachment(content={PNG!r}, type="image/png")

async def ask():
    model = llm.get_async_model("dynaspark")
    response = model.prompt("hi", attachments=[PICTURE], timeout=30)
    assert [piece async for piece in response] == ["hello"]
    assert response.resolved_model == "small"

model = llm.get_model("dynaspark")
talk = model.conversation()
assert talk.prompt("what?", attachments=[PICTURE]).text() == "hello"
assert talk.prompt("and now?").text() == "hello"
for piece in model.prompt("hi"):
    break
asyncio.run(ask())
"""


async def test_the_library_has_both_models(tmp_path: Path) -> None:
    async with upstream(HELLO) as server:
        await asyncio.to_thread(
            run, "plugins", "-c", LIBRARY, home=tmp_path, DYNASPARK_URL=server.url
        )
        bodies = [seen.body for seen in server.seen]
    assert [PNG in body for body in bodies] == [True, True, False, True]
    assert b"and now?" in bodies[1]
