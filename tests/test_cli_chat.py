"""Chat and the everyday options of ask, in a real terminal where one matters."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pexpect
import pytest
from test_cli import run, serving
from upstream import answer, pieces, upstream

COMMAND = f"{sys.executable} -m aiodynaspark"
PNG = Path(__file__).parents[1] / "examples" / "sign.png"


def _heed_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background, and what a child inherits."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def terminal(
    arguments: str, columns: int = 80, out: Path | None = None, **environment: str
) -> Iterator[Any]:
    """Run a command in a pseudo-terminal, with its standard output there or in a file."""
    command = f"{COMMAND} {arguments}"
    child = pexpect.spawn(
        command if out is None else shlex.join(["sh", "-c", f"{command} > {out}"]),
        encoding="utf-8",
        dimensions=(24, columns),
        timeout=30,
        preexec_fn=_heed_ctrl_c,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    try:
        yield child
    finally:
        child.close(force=True)


class TestChat:
    def test_talks_and_ends(self) -> None:
        with terminal("chat -m echo") as chat:
            chat.expect("> ")
            chat.sendline("some **bold** words")
            chat.expect("bold")
            chat.expect("> ")
            chat.sendeof()
            chat.expect(pexpect.EOF)
            chat.wait()
            assert chat.exitstatus == 0

    def test_remembers_what_was_said(self) -> None:
        with serving("--provider", "echo") as (url, _):
            done = run("chat", "--url", url, stdin="first\nsecond\nthird\n")
        assert "User: first\nAssistant: first\nUser: second\nAssistant:" in done.stdout
        assert done.stderr == "What was said before goes along as part of the prompt.\n"

    def test_knows_its_commands(self, tmp_path: Path) -> None:
        saved = tmp_path / "saved.md"
        lines = [
            *("/help", "/nonsense", "/retry", "/system be brief", f"/attach {PNG}"),
            *("hello", "/retry", "/attach no-such.png", "/model echo:other", "//slash"),
            *(f"/save {saved}", "/save", "/save /no/such/place"),
        ]
        done = run("chat", "-m", "echo", stdin="\n".join(lines) + "\n")
        assert done.returncode == 0
        assert done.stdout == "hello\nhello\n/slash\n"
        for said in (
            "/attach PATH",
            "There is no /nonsense",
            "Nothing was asked yet.",
            "1 picture(s) go with the next prompt.",
            "no-such.png",
            "Say where to",
            "/no/such/place cannot be written",
        ):
            assert said in done.stderr, said
        assert saved.read_text() == (
            "**system**: be brief\n\n**user**: hello\n\n**assistant**: hello\n\n"
            "**user**: /slash\n\n**assistant**: /slash\n"
        )

    def test_ends_and_begins_anew_on_command(self) -> None:
        lines = ["/system be brief", "one", "/clear", "/retry", "two", "/quit", "three"]
        with serving("--provider", "echo") as (url, _):
            done = run("chat", "--url", url, stdin="\n".join(lines))
        assert done.stdout.replace("System: be brief\n", "") == (
            "User: one\nAssistant:\nUser: two\nAssistant:\n"
        )
        assert "This is a new conversation.\nNothing was asked yet." in done.stderr
        assert len(run("logs").stdout.splitlines()) == 2
        for other_word in ("/exit", "/bye"):
            assert run("chat", "-m", "echo", stdin=f"{other_word}\nx\n").stdout == ""

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("/atach x", "There is no /atach; did you mean /attach?"),
            ("/HELP", "/attach PATH"),
            ("/model", "/model NAME"),
            ("/model echo", "echo is asked from now on."),
            ("/system", "told nothing beforehand"),
            ("/attach", "/attach PATH"),
            (f"/attach '{PNG}'", "1 picture(s)"),
            ("/attach ~/sign\\ 1.png", "1 picture(s)"),
            ("/attach ~/sign 1.png", "1 picture(s)"),
            ("/save ~/talk.md", "talk.md."),
        ],
    )
    def test_commands_say_what_they_did(self, line: str, says: str, tmp_path: Path) -> None:
        (tmp_path / "sign 1.png").write_bytes(PNG.read_bytes())
        assert says in run("chat", "-m", "echo", stdin=f"{line}\n", HOME=str(tmp_path)).stderr

    def test_several_lines_are_one_prompt(self) -> None:
        assert run("chat", "-m", "echo", stdin="one\\\ntwo\n").stdout == "one\ntwo\n"
        with terminal("chat -m echo") as chat:
            chat.expect("> ")
            chat.send("\x1b[200~- one\n- two\x1b[201~\r")
            chat.expect(r"• \S*one")
            chat.expect(r"• \S*two")
            chat.expect("> ")

    def test_shows_tags_and_addresses_as_they_stand(self) -> None:
        with terminal("chat -m echo", NO_COLOR="1", TERM="dumb") as chat:
            chat.expect("> ")
            chat.sendline("The <b> tag of *HTML*: [see](http://a.example/)")
            chat.expect("The <b> tag of HTML: see \\(http://a.example/\\)")

    def test_bytes_that_are_no_text_end_nothing(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "aiodynaspark", "chat", "-m", "echo"],
            input=b"a\xffb\nc\n",
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode() == "a\ufffdb\nc\n"

    def test_completes_commands_and_paths(self, tmp_path: Path) -> None:
        (tmp_path / "picture.png").write_bytes(PNG.read_bytes())
        with terminal("chat -m echo") as chat:
            chat.expect("> ")
            chat.send(f"/att\t{tmp_path}/pic\t\r")
            chat.expect("1 picture")

    def test_recalls_what_was_asked_before(self) -> None:
        run("ask", "-m", "echo", "asked before")
        with terminal("chat -m echo") as chat:
            chat.expect("> ")
            chat.send("\x1b[A\r")
            chat.expect("asked before\r\n")
            chat.expect("asked before\r\n")

    def test_writes_the_prompt_elsewhere_than_the_answers(self, tmp_path: Path) -> None:
        out = tmp_path / "answers"
        with terminal("chat -m echo", out=out) as chat:
            chat.expect("> ")
            chat.sendline("hello")
            chat.expect("> ")
        assert out.read_text() == "hello\n"

    def test_goes_on_with_the_same_model(self) -> None:
        run("ask", "-m", "echo", "first")
        with terminal("chat -c") as chat:
            chat.expect("Going on with .*, 2 turns")
            chat.expect("> ")
            chat.sendline("/retry")
            chat.expect("first")
            chat.expect("> ")
        assert run("logs", "show").stdout == "user: first\n\nassistant: first\n\n"

    async def test_a_retry_that_fails_costs_no_turn(self) -> None:
        lines = "first\nsecond\n/retry\nthird\n"
        said = [answer(f'{{"response": "{text}"}}') for text in ("one", "two", "three")]
        refused = answer('{"error": "no"}', status=400)
        async with upstream(said[0], refused, said[1], said[2]) as server:
            done = await asyncio.to_thread(run, "chat", "--url", server.url, stdin=lines)
            asked = [parse_qs(seen.body.decode())["user_input"][0] for seen in server.seen]
        assert done.stdout == "one\ntwo\nthree\n"
        assert asked[1] == asked[2] == "User: first\nAssistant: one\nUser: second\nAssistant:"
        assert asked[3].endswith("User: second\nAssistant: two\nUser: third\nAssistant:")

    def test_a_retry_takes_the_place_of_the_answer(self) -> None:
        run("chat", "-m", "echo", stdin="first\nsecond\n/retry\n/retry\n")
        assert run("logs", "show").stdout.split("\n\n")[:-1] == [
            *("user: first", "assistant: first"),
            *("user: second", "assistant: second"),
        ]

    def test_a_model_that_is_none_is_one_sentence(self) -> None:
        done = run("chat", "-m", "echo", stdin="/model nonsense\nhello\n/model echo\nhello\n")
        assert done.stdout == "hello\n"
        assert "no model 'nonsense'" in done.stderr

    async def test_ctrl_c_stops_an_answer_and_keeps_what_came(self, tmp_path: Path) -> None:
        saved = tmp_path / "saved.md"

        def talk(url: str) -> None:
            with terminal(f"chat --url {url}") as chat:
                chat.expect("> ")
                chat.sendline("go on")
                chat.expect("first words")
                chat.sendintr()
                chat.expect("stopped")
                chat.expect("> ")
                chat.sendline(f"/save {saved}")
                chat.expect("> ")

        endless = pieces([b'{"response": "first words', b"more"], asyncio.Event())
        async with upstream(endless) as server:
            await asyncio.to_thread(talk, server.url)
        assert saved.read_text().endswith("**assistant**: first words\n")

    async def test_what_is_typed_during_an_answer_waits_for_its_end(self) -> None:
        def talk(url: str) -> None:
            with terminal(f"chat --url {url}") as chat:
                chat.expect("> ")
                chat.sendline("go on")
                chat.expect("first words")
                chat.sendline("typed ahead")
                chat.sendintr()
                chat.expect("stopped")
                assert "typed ahead" not in chat.before
                assert "^C" not in chat.before

        endless = pieces([b'{"response": "first words', b"more"], asyncio.Event())
        async with upstream(endless) as server:
            await asyncio.to_thread(talk, server.url)

    def test_ctrl_c_beside_an_answer_ends_nothing(self) -> None:
        run("ask", "-m", "echo", "makes the history")
        path = run("logs", "path").stdout.strip()
        with terminal("chat -m echo") as chat, closing(sqlite3.connect(path)) as holder:
            chat.expect("> ")
            holder.execute("BEGIN EXCLUSIVE")
            chat.sendline("hello")
            chat.expect("waiting for the history")
            chat.sendintr()
            holder.rollback()
            chat.expect("stopped")
            chat.expect("> ")
            chat.sendline("still here")
            chat.expect("still here")

    def test_ctrl_c_at_the_prompt_ends_nothing(self) -> None:
        with terminal("chat -m echo") as chat:
            chat.expect("> ")
            chat.sendintr()
            chat.expect("Ctrl-D ends")
            chat.sendline("still here")
            chat.expect("still here")

    @pytest.mark.parametrize("columns", [20, 200])
    def test_fits_any_width(self, columns: int) -> None:
        with terminal("chat -m echo", columns) as chat:
            chat.expect("> ")
            chat.sendline("# Title")
            chat.expect("Title")
            chat.expect("> ")

    def test_a_dumb_terminal_is_told_words_alone(self) -> None:
        with terminal("chat -m echo", TERM="dumb") as chat:
            chat.expect("^[^\x1b]*> ")
            chat.sendline("some **bold** words")
            chat.expect("^[^\x1b]*some bold words[^\x1b]*> ")

    def test_no_color_is_respected(self) -> None:
        with terminal("chat -m echo", NO_COLOR="1") as chat:
            chat.expect("> ")
            chat.sendline("some `code` here")
            chat.expect("here")
            chat.expect("> ")
            assert "\x1b[38;" not in chat.before
            assert "\x1b[36" not in chat.before


class TestAsk:
    def test_strips_controls_on_a_terminal_alone(self) -> None:
        hostile = "\x1b]0;title\x07\x1b[31mred"
        assert run("ask", "-m", "echo", hostile).stdout == hostile + "\n"
        with terminal("ask -m echo '\x1b]0;title\x07\x1b[31mred'") as ask:
            ask.expect(pexpect.EOF)
            assert ask.before == "red\r\n"

    def test_continues_a_conversation(self) -> None:
        with serving("--provider", "echo") as (url, _):
            assert run("ask", "-c", "--url", url, "x").returncode == 2
            run("ask", "--url", url, "first")
            conversation = run("logs").stdout.split()[0]
            run("ask", "--url", url, "another")
            run("ask", "-n", "--url", url, "unkept")
            again = run("ask", "-c", "--url", url, "more").stdout
            assert again == "User: another\nAssistant: another\nUser: more\nAssistant:\n"
            certain = run("ask", "--cid", conversation, "--url", url, "more").stdout
            assert certain.startswith("User: first\n")
            assert run("ask", "--cid", "nonsense", "--url", url, "x").returncode == 2

    def test_says_what_it_took(self) -> None:
        done = run("ask", "-u", "-m", "echo", "hello")
        assert done.stdout == "hello\n"
        assert "1 + 1 tokens, first text after" in done.stderr

    def test_prints_the_first_code_block(self) -> None:
        text = "Here:\n\n```python\nprint(1)\n```\n\n```\nother\n```\n"
        assert run("ask", "-x", "-m", "echo", text).stdout == "print(1)\n"
        assert run("ask", "-x", "-m", "echo", "no block").stdout == "no block\n"
        with serving("--provider", "echo") as (url, _):  # which says beside it what answered
            assert run("ask", "-x", "-m", "other", "--url", url, text).stdout == "print(1)\n"

    def test_writes_to_a_file(self, tmp_path: Path) -> None:
        out = tmp_path / "answer.txt"
        assert run("ask", "-O", str(out), "-m", "echo", "hello").stdout == ""
        assert out.read_text() == "hello\n"
        failed = run("ask", "-O", "/no/such/place", "-m", "echo", "hello")
        assert (failed.returncode, "/no/such/place" in failed.stderr) == (74, True)

    def test_takes_a_picture_from_a_pipe(self) -> None:
        with PNG.open("rb") as file:
            done = subprocess.run(
                [sys.executable, "-m", "aiodynaspark", "ask", "-m", "echo", "-a", "-", "hello"],
                stdin=file,
                capture_output=True,
                text=True,
                check=True,
            )
        assert done.stdout == "hello\n"

    def test_passes_options_on(self) -> None:
        with serving("--provider", "echo") as (url, _):
            done = run("ask", "-o", "retries", "0", "-o", "no_such", "1", "--url", url, "x")
            assert (done.returncode, done.stdout) == (0, "x\n")
            assert "no_such" in done.stderr
            assert run("ask", "-o", "retries", "many", "--url", url, "x").returncode == 2

    @pytest.mark.clients
    def test_shows_the_form_as_curl_that_works(self) -> None:
        with serving("--provider", "echo") as (url, _):
            for arguments in (["it's é\n& more"], ["it's é\n& more", "-a", str(PNG)]):
                shown = run(
                    "ask", "--dry-run", "--url", url, *arguments, DYNASPARK_API_KEY="secret"
                )
                assert "secret" not in shown.stdout
                done = subprocess.run(
                    ["sh", "-c", shown.stdout.replace("curl", "curl -sS", 1)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                assert '"response":"it\'s é\\n& more"' in done.stdout

    def test_shows_the_form_and_no_key(self) -> None:
        shown = run(
            "ask", "--dry-run", "--url", "http://127.0.0.1:9", "it's", DYNASPARK_API_KEY="k3y"
        )
        words = shlex.split(shown.stdout)
        assert words[:3] == ["curl", "--compressed", "http://127.0.0.1:9/generate_response"]
        assert words[-3:] == ["user_input=it's", "--data-urlencode", "ai_model=gemini-1.5-flash"]
        assert "authorization: Bearer $DYNASPARK_API_KEY" in words
        assert "k3y" not in shown.stdout


class TestLogs:
    def test_lists_shows_and_stops(self) -> None:
        assert run("logs").stdout == ""
        run("ask", "-m", "echo", "a  question")
        assert run("logs", "list").stdout.endswith("echo  a question\n")
        assert run("logs", "show").stdout == "user: a  question\n\nassistant: a  question\n\n"
        assert Path(run("logs", "path").stdout.strip()).stat().st_mode & 0o777 == 0o600
        run("logs", "off")
        run("ask", "-m", "echo", "unkept")
        assert len(run("logs").stdout.splitlines()) == 1
        run("logs", "on")
        run("ask", "-m", "echo", "kept")
        assert len(run("logs").stdout.splitlines()) == 2

    def test_a_history_that_fails_costs_no_answer(self) -> None:
        path = Path(run("logs", "path").stdout.strip())
        path.parent.mkdir(parents=True)
        path.write_bytes(b"damaged" * 1000)
        done = run("ask", "-m", "echo", "hello")
        assert (done.returncode, done.stdout) == (0, "hello\n")
        assert "Not kept" in done.stderr
        assert run("logs").returncode == 1
