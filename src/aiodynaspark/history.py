"""Conversations on disk: one SQLite file in the user's data directory, for the user alone."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import DynasparkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .types import Message

__all__ = ["Conversation", "History", "HistoryError"]

VERSION = 1
BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process that writes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
    id TEXT PRIMARY KEY, started REAL NOT NULL, changed REAL NOT NULL,
    model TEXT NOT NULL, title TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS turn (
    number INTEGER PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversation,
    role TEXT NOT NULL, content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS turns ON turn (conversation, number);
"""

_OUTLINE = "id, started, changed, model, title"
_LATEST = "ORDER BY changed DESC, rowid DESC"


class HistoryError(DynasparkError):
    """The history cannot be read or written; nothing else is the worse for it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation's outline; times are in seconds since 1970."""

    id: str
    started: float
    changed: float
    model: str
    title: str


class History:
    """The conversations in one file; each call opens it, so nothing is held between two of them.

    Args:
        path: the SQLite file; made when something is first added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        conversation: str | None,
        *,
        model: str,
        turns: list[Message],
        instead_of: int = 0,
    ) -> str:
        """Append turns to a conversation, or start one; returns its id.

        Args:
            conversation: its id; None starts one.
            model: what answered.
            turns: the question and the answer.
            instead_of: how many turns at its end they replace.

        Raises:
            HistoryError: the file is locked, damaged, from a newer version, or cannot be written.
        """
        conversation = conversation or secrets.token_hex(6)
        title = " ".join(str(turns[-2 if len(turns) > 1 else -1]["content"]).split())[:80]
        now = time.time()
        with self._open(write=True) as database:
            database.execute(
                "INSERT INTO conversation VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, model = excluded.model",
                (conversation, now, now, model, title),
            )
            database.execute(
                "DELETE FROM turn WHERE number IN "
                "(SELECT number FROM turn WHERE conversation = ? ORDER BY number DESC LIMIT ?)",
                (conversation, instead_of),
            )
            database.executemany(
                "INSERT INTO turn (conversation, role, content) VALUES (?, ?, ?)",
                [(conversation, turn["role"], turn["content"]) for turn in turns],
            )
        return conversation

    def conversations(self, limit: int = 20) -> list[Conversation]:
        """List conversations, the latest first.

        Raises:
            HistoryError: see ``add``.
        """
        with self._open() as database:
            found = database.execute(
                f"SELECT {_OUTLINE} FROM conversation {_LATEST} LIMIT ?", (limit,)
            )
            return [Conversation(*row) for row in found]

    def find(self, conversation: str | None = None) -> Conversation:
        """Return a conversation's outline; the latest one's where no id is given.

        Raises:
            UsageError: there is no such conversation, or none at all.
            HistoryError: see ``add``.
        """
        with self._open() as database:
            found = database.execute(
                f"SELECT {_OUTLINE} FROM conversation "
                f"WHERE id = ?1 OR ?1 IS NULL {_LATEST} LIMIT 1",
                (conversation,),
            ).fetchone()
        if found:
            return Conversation(*found)
        if conversation is None:
            raise UsageError("No conversation is kept yet; ask something first.")
        raise UsageError(f"There is no conversation {conversation!r}; `dynaspark logs` lists them.")

    def turns(self, conversation: str) -> list[dict[str, str]]:
        """Return a conversation's messages, the oldest first; none where there is no such one.

        Raises:
            HistoryError: see ``add``.
        """
        with self._open() as database:
            found = database.execute(
                "SELECT role, content FROM turn WHERE conversation = ? ORDER BY number",
                (conversation,),
            ).fetchall()
        return [{"role": role, "content": content} for role, content in found]

    def prompts(self, limit: int = 500, longest: int = 2_000) -> list[str]:
        """List what was asked in all conversations, the oldest first.

        Args:
            limit: how many, of the latest.
            longest: prompts of more characters are left out, since nobody typed them.

        Raises:
            HistoryError: see ``add``.
        """
        with self._open() as database:
            found = database.execute(
                "SELECT content FROM turn WHERE role = 'user' AND length(content) <= ? "
                "ORDER BY number DESC LIMIT ?",
                (longest, limit),
            )
            return [content for (content,) in found][::-1]

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if write:
                self._make_private()
            where = str(self.path) if write or self.path.exists() else ":memory:"
            with closing(sqlite3.connect(where, timeout=BUSY_TIMEOUT)) as database, database:
                self._check_version(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(f"The history {self.path} {_wrong_with_it(error)}.") from error

    def _make_private(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        os.close(os.open(self.path, flags, 0o600))

    def _check_version(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise HistoryError(
                f"The history {self.path} was written by a newer version; update this one, "
                "or move the file away."
            )
        if version < VERSION:
            database.executescript(_SCHEMA)
            database.execute(f"PRAGMA user_version = {VERSION}")


def _wrong_with_it(error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "is held by another program; try again when that has let go of it"
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"is damaged ({error}); move it away to start anew"
    reason = getattr(error, "strerror", None) or error
    return f"cannot be used ({reason}); DYNASPARK_DATA may name another directory"
