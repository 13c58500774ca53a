"""What of a typed line is no terminal's business: completions and paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiodynaspark.cli.line_editor import completions, parse_path

COMMANDS = ("/save", "/system", "/help")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one.png", "one more.png", "it's.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_completes_commands_where_a_line_begins() -> None:
    assert completions("/s", "/s", COMMANDS) == ["/save ", "/system "]
    assert completions("/x", "/x", COMMANDS) == []
    assert completions("a word", "word", COMMANDS) == []


def test_completes_paths_as_they_are_typed(home: Path) -> None:
    assert completions("/save fo", "fo", COMMANDS) == ["folder/"]
    assert completions("/attach ~/fo", "~/fo", COMMANDS) == [f"{home}/folder/"]
    assert completions("/attach on", "on", COMMANDS) == ["one more.png", "one.png"]
    assert completions("/attach [", "[", COMMANDS) == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("one.png", "one.png"),
        ("~/one.png", "one.png"),
        ("one more.png", "one more.png"),
        (r"one\ more.png", "one more.png"),
        ("'~/one more.png'", "one more.png"),
        ('"one more.png"', "one more.png"),
        ("it's.png", "it's.png"),
        ("new file.md", "new file.md"),
    ],
)
def test_reads_paths_as_people_and_terminals_write_them(home: Path, typed: str, name: str) -> None:
    assert parse_path(typed).absolute() == home / name


@pytest.mark.parametrize("odd", ["~nobody-of-that-name/x", "x" * 5000, "'", ""])
def test_an_odd_path_is_one_that_is_not_there(odd: str) -> None:
    assert parse_path(odd) == Path(odd)
