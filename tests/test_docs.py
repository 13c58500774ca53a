"""The documents cannot lie: what they show is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HOSTED = {"hypotez", "integrations"}
"""These run inside other programs: see test_plugins_vendored.py and clients/."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    return [
        pytest.param(found[2], id=f"{document.stem}-{number}")
        for document in DOCUMENTS
        if document.stem not in HOSTED
        for number, found in enumerate(BLOCK.finditer(document.read_text()), 1)
        if found[1] == language
    ]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment in which a server answers and ``dynaspark`` and ``python`` are ours."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "python").symlink_to(sys.executable)
    script = f'#!/bin/sh\nexec "{sys.executable}" -m aiodynaspark "$@"\n'
    (programs / "dynaspark").write_text(script)
    (programs / "dynaspark").chmod(0o755)
    command = [str(programs / "dynaspark"), "serve", "--provider", "echo", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        url = server.stderr.readline().split(" at ")[1].split()[0]
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        yield {**os.environ, "DYNASPARK_URL": url, "PATH": path}
        server.terminate()


def execute(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def serve(line: str, environment: dict[str, str]) -> None:
    """Start a server as shown, on a port that is free, and stop it once it says that it serves."""
    command = f"exec {line} --port 0" + ("" if "--" in line else " --provider echo")
    with subprocess.Popen(
        ["sh", "-c", command], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        said = server.stderr.readline()
        server.terminate()
        assert (server.wait(60), said[:7]) == (0, "Serving"), said


@pytest.mark.parametrize("code", blocks("python"))
def test_python_in_the_documents_runs(code: str, environment: dict[str, str]) -> None:
    execute([sys.executable, "-W", "error", "-c", code], environment)


@pytest.mark.parametrize("commands", blocks("sh"))
def test_commands_in_the_documents_run(commands: str, environment: dict[str, str]) -> None:
    for line in commands.replace("\\\n", " ").splitlines():
        if "venv" in line:
            assert line in (ROOT / ".ci" / "run").read_text(), "CI runs what the documents set up"
        elif line.startswith("dynaspark serve"):
            serve(line, environment)
        else:
            execute(["sh", "-c", line], environment)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_examples_run(script: Path, environment: dict[str, str]) -> None:
    execute([sys.executable, "-W", "error", str(script)], environment)


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, ROOT / "README.ru.md"], ids=lambda path: path.stem
)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_page_on_the_command_line_is_what_the_commands_say() -> None:
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'docs'); import cli; print(cli.render(), end='')",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs" / "cli.md").read_text() == shown.stdout, "run python docs/cli.py"


def test_the_russian_readme_shows_the_same_commands_and_code() -> None:
    english, russian = (ROOT / name for name in ("README.md", "README.ru.md"))
    assert BLOCK.findall(russian.read_text()) == BLOCK.findall(english.read_text())
