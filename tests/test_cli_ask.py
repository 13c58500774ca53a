"""What a person who asks in a terminal meets there: hostile answers, files, suggestions."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pexpect
import pytest
from test_cli import run, serving
from test_cli_chat import PNG, terminal
from upstream import Handler, answer, delta, events, hold, upstream

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


@pytest.mark.parametrize("name", ["model", "messages", "media", "losses", "stream", "transport"])
def test_what_is_no_option_of_a_provider_is_said(name: str) -> None:
    done = run("ask", "-m", "echo", "-o", name, "x", "hello")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{name} is no option" in done.stderr


async def test_a_picture_that_takes_its_time_is_worth_a_word() -> None:
    def ask(url: str) -> None:
        with terminal(f"ask --url {url} -a {PNG} x") as asked:
            asked.expect("looking at the picture")
            asked.sendintr()
            asked.expect("Interrupted")

    async with upstream(hold()) as server:
        await asyncio.to_thread(ask, server.url)


class TestFiles:
    def test_a_file_keeps_what_it_holds_until_there_is_an_answer(self, tmp_path: Path) -> None:
        out = tmp_path / "answer.txt"
        out.write_text("precious and long")
        assert run("ask", "-O", str(out), "--url", "http://127.0.0.1:9", "x").returncode == 1
        assert out.read_text() == "precious and long"
        run("ask", "-O", str(out), "-m", "echo", "short")
        assert out.read_text() == "short\n"

    def test_a_dash_is_standard_output_and_a_device_is_written_to(self, tmp_path: Path) -> None:
        for out in ("-", "/dev/stdout"):
            assert run("ask", "-O", out, "-m", "echo", "hello").stdout == "hello\n"


class TestContinuing:
    def test_asks_the_model_that_answered_before(self) -> None:
        run("ask", "-m", "echo", "first")
        assert run("ask", "-c", "more").stdout == "more\n"

    def test_the_history_names_who_answered(self) -> None:
        with serving("--provider", "echo") as (url, _):
            run("ask", "--url", url, "first")
        assert run("logs").stdout.split()[3] == "echo"

    def test_nothing_kept_is_said(self) -> None:
        assert "No conversation is kept yet" in run("logs").stderr
        done = run("logs", "show")
        assert (done.returncode, "No conversation is kept yet" in done.stderr) == (2, True)


class TestDryRun:
    def test_asks_for_no_form_where_none_is_sent(self) -> None:
        done = run("ask", "--dry-run", "-m", "echo", "x")
        assert (done.returncode, done.stdout) == (2, "")
        assert "No form is sent to echo" in done.stderr

    def test_names_the_model_as_the_server_knows_it(self) -> None:
        shown_form = run("ask", "--dry-run", "-m", "dynaspark:some", "x").stdout
        assert "ai_model=some" in shown_form

    @pytest.mark.clients
    def test_the_line_works_with_a_key_and_an_odd_name(self, tmp_path: Path) -> None:
        picture = tmp_path / 'a "b;c,d.png'
        picture.write_bytes(PNG.read_bytes())
        key = {"DYNASPARK_API_KEY": "secret"}
        with serving("--provider", "echo", "--api-key", "secret") as (url, _):
            line = run("ask", "--dry-run", "--url", url, "-a", str(picture), "it's", **key).stdout
            done = subprocess.run(
                ["sh", "-c", line.replace("curl", "curl -sS", 1)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, **key},
            )
        assert "secret" not in line
        assert '"response":"it\'s"' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(("aks", "x"), "'ask'"), (("logs", "lst"), "'list'"), (("ask", "--modle", "x"), "'--model'")],
)
def test_a_misspelt_word_is_answered_with_the_nearest(
    arguments: tuple[str, ...], meant: str
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert f"Did you mean {meant}?" in done.stderr


def test_a_prompt_needs_no_quotes() -> None:
    assert run("ask", "-m", "echo", "two", "words").stdout == "two words\n"


def test_json_and_the_code_alone_exclude_each_other() -> None:
    assert run("ask", "-m", "echo", "-x", "--json", "x").returncode == 2


def test_a_prompt_that_is_no_text_is_asked_nevertheless() -> None:
    done = run("ask", "-m", "echo", os.fsdecode(b"a\xffb"))
    assert (done.stdout, done.stderr) == ("a\ufffdb\n", "")


def test_a_locale_that_lacks_letters_shows_the_others() -> None:
    assert run("ask", "-m", "echo", "für", PYTHONIOENCODING="ascii").stdout == "f?r\n"


def test_a_history_that_is_held_costs_a_word_and_no_answer() -> None:
    run("ask", "-m", "echo", "first")
    with closing(sqlite3.connect(run("logs", "path").stdout.strip())) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = run("ask", "-m", "echo", "hello")
    assert (done.returncode, done.stdout) == (0, "hello\n")
    assert "waiting for the history" in done.stderr
    assert "held by another program" in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ask -m ec", "echo"),
        ("ask -a ex", "file"),
        ("ask -O ex", "file"),
        ("batch ex", "file"),
        ("models lo", "local"),
        ("serve --provider ec", "echo"),
        ("serve --fault sta", "stall"),
    ],
)
def test_a_shell_can_complete_what_options_take(typed: str, offered: str) -> None:
    words = {"COMP_WORDS": f"dynaspark {typed}", "COMP_CWORD": str(typed.count(" ") + 1)}
    assert offered in run(_DYNASPARK_COMPLETE="bash_complete", **words).stdout
