"""What the integrations' page and examples show runs as it stands, inside the real packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import ROOT, echo_server, python_of, run

pytestmark = pytest.mark.clients

DEFAULT = "http://127.0.0.1:8317"
PAGE = (ROOT / "docs" / "integrations.md").read_text()
SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(language, code, id=f"{title}-{number}")
    for title, text in SECTION.findall(PAGE)
    for number, (language, code) in enumerate(BLOCK.findall(text), 1)
    if "pip install" not in code
]
EXAMPLES = sorted((ROOT / "examples" / "clients").glob("*.py"))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with echo_server() as url:
        yield url


@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_a_block_runs(server: str, language: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    code = code.replace(DEFAULT, server)
    if language == "python":
        shown = run("plugins", "-c", code, home=tmp_path, DYNASPARK_URL=server)
        assert shown.stdout
        return
    for line in code.splitlines():
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        assert (python_of("plugins").parent / words[0]).is_file(), words[0]
        assert run("plugins", *words, home=tmp_path, DYNASPARK_URL=server).stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(server: str, example: Path, tmp_path: Path) -> None:
    shown = run("plugins", "-W", "error", example, home=tmp_path, DYNASPARK_URL=server)
    assert "What is HTTP?" in shown.stdout
    assert "What is the total?" in shown.stdout


def test_every_integration_has_a_block() -> None:
    titles = [title for title, text in SECTION.findall(PAGE) if BLOCK.search(text)]
    assert titles == ["g4f", "llm", "LangChain", "pydantic-ai"]
