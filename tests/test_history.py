"""Conversations on disk: kept, private, and never in the way when their file is not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from aiodynaspark import UsageError
from aiodynaspark.history import History, HistoryError

TURNS = [{"role": "user", "content": "what  is\nthis"}, {"role": "assistant", "content": "that"}]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data" / "history.db")


def test_keeps_conversations_in_order(history: History) -> None:
    first = history.add(None, model="m", turns=TURNS)
    second = history.add(None, model="n", turns=TURNS)
    assert [found.id for found in history.conversations()] == [second, first]
    assert history.add(first, model="o", turns=TURNS) == first
    listed = history.conversations()
    assert [(found.id, found.model, found.title) for found in listed] == [
        (first, "o", "what is this"),
        (second, "n", "what is this"),
    ]
    assert history.turns(first) == TURNS * 2
    assert len(history.conversations(limit=1)) == 1


def test_is_for_the_user_alone(history: History) -> None:
    history.add(None, model="m", turns=TURNS)
    assert history.path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_by_looking(history: History) -> None:
    assert history.conversations() == []
    assert not history.path.exists()
    with pytest.raises(UsageError, match="no conversation 'x'"):
        history.find("x")


def test_a_damaged_file_is_one_sentence(history: History) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(b"no database at all" * 100)
    for use in (history.conversations, lambda: history.add(None, model="m", turns=TURNS)):
        with pytest.raises(HistoryError, match="is damaged"):
            use()


def test_a_newer_version_is_left_alone(history: History) -> None:
    history.add(None, model="m", turns=TURNS)
    database = sqlite3.connect(history.path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(HistoryError, match="newer version"):
        history.add(None, model="m", turns=TURNS)


def test_a_link_is_not_followed(history: History, tmp_path: Path) -> None:
    history.path.parent.mkdir()
    history.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HistoryError, match="cannot be used"):
        history.add(None, model="m", turns=TURNS)
    assert not (tmp_path / "elsewhere").exists()


def test_two_processes_at_once_lose_nothing(history: History) -> None:
    code = (
        "import sys; from pathlib import Path; from aiodynaspark.history import History\n"
        "for _ in range(20): History(Path(sys.argv[1])).add(None, model='m',"
        " turns=[{'role': 'user', 'content': 'x'}])"
    )
    command = [sys.executable, "-c", code, os.fspath(history.path)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(history.conversations(limit=100)) == 40


def test_conversations_begun_in_the_same_second_stay_apart(history: History) -> None:
    begun = {history.add(None, model="m", turns=TURNS) for _ in range(1_000)}
    assert len(begun) == 1_000


def test_turns_can_take_the_place_of_the_last_ones(history: History) -> None:
    conversation = history.add(None, model="m", turns=TURNS)
    other = history.add(None, model="m", turns=TURNS)
    again = [TURNS[0], {"role": "assistant", "content": "better"}]
    history.add(conversation, model="m", turns=again, instead_of=2)
    assert history.turns(conversation) == again
    assert history.turns(other) == TURNS


def test_what_was_asked_can_be_recalled(history: History) -> None:
    for prompt in ("first", "second", "piped in" * 1000, "third"):
        history.add(None, model="m", turns=[{"role": "user", "content": prompt}, TURNS[1]])
    assert history.prompts() == ["first", "second", "third"]
    assert history.prompts(limit=2) == ["second", "third"]


def test_a_locked_file_is_not_to_be_moved_away(history: History) -> None:
    history.add(None, model="m", turns=TURNS)
    with closing(sqlite3.connect(history.path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match="held by another program; try again") as error:
            history.add(None, model="m", turns=TURNS)
    assert "move" not in str(error.value)


def test_a_place_that_cannot_be_written_is_not_to_be_moved_away_either(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match=r"\(File exists\); DYNASPARK_DATA"):
        History(tmp_path / "file" / "history.db").add(None, model="m", turns=TURNS)


def test_a_database_without_its_tables_is_damaged(history: History) -> None:
    history.path.parent.mkdir()
    with closing(sqlite3.connect(history.path)) as database:
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(HistoryError, match="is damaged"):
        history.conversations()
