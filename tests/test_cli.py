"""The command line as a person starts it: real processes, real pipes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from aiodynaspark.cli import COMMANDS, commands

DYNASPARK = [sys.executable, "-m", "aiodynaspark"]


def run(
    *arguments: str, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    piped = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(
        [*DYNASPARK, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
        **piped,  # type: ignore[call-overload]
    )


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run ``dynaspark serve`` on a free port; gives its URL."""
    command = [*DYNASPARK, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield line.split(" at ")[1].split()[0], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()


class TestAsk:
    def test_answers_on_stdout_alone(self) -> None:
        done = run("ask", "-m", "echo", "hello there")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello there\n", "")

    def test_puts_what_is_piped_in_before_the_prompt(self) -> None:
        assert run("ask", "-m", "echo", "and this", stdin="this\n").stdout == "this\n\nand this\n"
        assert run("ask", "-m", "echo", stdin="this alone").stdout == "this alone\n"

    def test_sends_the_real_form_to_a_server(self) -> None:
        with serving("--provider", "echo") as (url, _):
            assert run("ask", "--url", url, "hello").stdout == "hello\n"
            assert run("ask", "--url", f"{url}/generate_response", "hello").stdout == "hello\n"
            assert run("ask", "hello", DYNASPARK_URL=url).stdout == "hello\n"
            assert run("ask", "--no-stream", "--url", url, "hello").stdout == "hello\n"
            told = run("ask", "-s", "be brief", "--url", url, "hello").stdout
            assert told == "System: be brief\nUser: hello\nAssistant:\n"

    def test_says_which_model_answered_where_it_is_another_one(self) -> None:
        with serving("--provider", "echo") as (url, _):
            other = run("ask", "--url", url, "-m", "no-such", "hello")
            assert (other.stdout, other.stderr) == ("hello\n", "Answered by echo.\n")
            assert run("ask", "--url", url, "-m", "echo", "hello").stderr == ""

    def test_prints_one_json_object_on_demand(self) -> None:
        with serving("--provider", "echo") as (url, _):
            done = run("ask", "--json", "--url", url, "-s", "be brief", "hello")
        said = json.loads(done.stdout)
        assert said["response"] == "System: be brief\nUser: hello\nAssistant:"
        assert said["model"] == "echo"
        assert [loss["name"] for loss in said["losses"]] == ["system", "user"]

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            ((), 2, 'dynaspark ask "PROMPT"'),
            (("--url", "http://127.0.0.1:9", "x"), 1, "start one with `dynaspark serve`"),
            (("--url", "127.0.0.1:9", "x"), 2, "http://HOST:PORT"),
            (("-m", "echo", "-a", "no-such.png", "x"), 2, "no-such.png"),
            (("-m", "echo", "-a", ".", "x"), 2, "directory"),
            (("-m", "echo", "--timeout", "soon", "x"), 2, "soon"),
            (("-m", "echo", "--no-such-option", "x"), 2, "--no-such-option"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
    )
    def test_says_what_is_wrong_in_one_sentence(
        self, arguments: tuple[str, ...], code: int, says: str
    ) -> None:
        done = run("ask", *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert says in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    @pytest.mark.parametrize("command", ["ask -u -m echo hi", "chat -m echo"])
    def test_a_stream_that_is_closed_is_no_crash(self, command: str, closed: str) -> None:
        done = subprocess.run(
            ["sh", "-c", f"{shlex.join(DYNASPARK)} {command} {closed}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Traceback" not in done.stderr

    def test_a_reader_that_leaves_is_no_crash(self) -> None:
        command = [*DYNASPARK, "ask", "-m", "echo"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stdin.write(b"word " * 100_000)
            process.stdin.close()
            assert b"Traceback" not in process.stderr.read()


class TestServe:
    def test_serves_models_by_name_and_stops_on_a_signal(self) -> None:
        with serving("--model", "one=echo", "--model", "two=echo:loud") as (url, process):
            assert (
                json.loads(run("ask", "--json", "--url", url, "-m", "two", "x").stdout)["model"]
                == "two"
            )
            assert json.loads(run("ask", "--json", "--url", url, "x").stdout)["model"] == "one"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0

    def test_a_port_in_use_is_one_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            done = run("serve", "--provider", "echo", "--port", port)
        assert done.returncode == 2
        assert f"Port {port} on 127.0.0.1 is in use" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("--provider", "nonsense"), "no provider 'nonsense'"),
            (("--model", "nonsense"), "NAME=PROVIDER"),
            (("--provider", "echo", "--host", "203.0.113.1"), "203.0.113.1"),
            (("--provider", "echo", "--port", "65536"), "65536"),
        ],
    )
    def test_bad_set_ups_do_not_start(self, arguments: tuple[str, ...], says: str) -> None:
        done = run("serve", "--port", "0", *arguments)
        assert done.returncode == 2
        assert says in done.stderr


class TestModels:
    def test_lists_what_can_be_asked(self) -> None:
        lines = run("models").stdout.splitlines()
        assert {"echo:echo", "dynaspark:gemini-1.5-flash", "local:smollm2-135m-instruct"} <= {
            *lines
        }
        assert run("models", "echo").stdout == "echo:echo\n"
        assert json.loads(run("models", "--json").stdout)["echo"] == ["echo"]

    def test_an_unknown_provider_is_one_sentence(self) -> None:
        done = run("models", "nonsense")
        assert (done.returncode, done.stdout) == (2, "")
        assert "no provider 'nonsense'" in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("models",), ("ask", "--help")])
def test_help_and_models_load_neither_aiohttp_nor_the_engine(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; from aiodynaspark.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('aiohttp', 'xllamacpp', 'PIL', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    context = click.Context(commands)
    for name, says in COMMANDS.items():
        command = commands.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=1000) == says


def test_the_module_is_the_command(tmp_path: Path) -> None:
    assert run("--version").stdout.startswith("dynaspark, version ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_the_commands(shell: str) -> None:
    assert "_DYNASPARK_COMPLETE" in run("completion", shell).stdout
    words = {"COMP_WORDS": "dynaspark mo", "COMP_CWORD": "mo" if shell == "fish" else "1"}
    assert "models" in run(_DYNASPARK_COMPLETE=f"{shell}_complete", **words).stdout
