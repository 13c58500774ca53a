"""What a person who asks in a terminal meets there: hostile answers, files, suggestions."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pexpect
from test_cli import run
from test_cli_chat import terminal
from upstream import Handler, answer, delta, events, upstream

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
TITLE = "\x1b]0;owned\x07"
HOSTILE = {
    "facts": {
        "content_type": f"image/{TITLE}",
        "width": 1,
        "height": 1,
        "size": 1,
        "colours": ["\x9b7mred"],
        "text": [f"{TITLE}words"],
        "matches": [],
    },
    "response": f"{TITLE}said",
    "model": f"{TITLE}model",
    "notices": [f"{TITLE}note"],
}


def shown(arguments: str, **environment: str) -> str:
    """What a command shows on a terminal, with plain line breaks."""
    with terminal(arguments, **environment) as child:
        child.expect(pexpect.EOF)
        return str(child.before).replace("\r\n", "\n")


async def shown_from(handler: Handler, arguments: Callable[[str], str]) -> str:
    """What an ask of a scripted server shows on a terminal."""
    async with upstream(handler) as server:
        return await asyncio.to_thread(shown, arguments(server.url))


class TestHostileAnswers:
    async def test_nothing_that_a_server_says_drives_the_terminal(self) -> None:
        told = await shown_from(
            answer(json.dumps(HOSTILE)), lambda url: f"ask --url {url} -m other x"
        )
        assert not CONTROL.search(told)
        for part in ("red", "words", "said", "model", "note"):
            assert part in told

    def test_nor_does_what_was_kept_of_it(self) -> None:
        run("ask", "-m", "echo", f"{TITLE}kept")
        assert run("logs", "show").stdout.startswith(f"user: {TITLE}kept")
        for command in ("logs", "logs show"):
            told = shown(command)
            assert "kept" in told
            assert not CONTROL.search(told)

    def test_json_holds_no_control_and_is_the_same_text(self) -> None:
        text = "\x9b31m\x7f\x1b é"
        done = run("ask", "-m", "echo", "--json", text)
        assert not CONTROL.search(done.stdout)
        assert json.loads(done.stdout)["response"] == text


async def test_an_answer_that_was_cut_at_the_limit_is_said_to_be() -> None:
    stream = events(delta("as far as"), delta(finish="length"))
    async with upstream(answer(stream, content_type="text/event-stream")) as server:
        done = await asyncio.to_thread(
            run, "ask", "-m", "openai:x", "tell", OPENAI_BASE_URL=f"{server.url}/v1"
        )
    assert done.stdout == "as far as\n"
    assert "cut at the longest" in done.stderr
