"""Which rows are finished: the two outputs and the manifest beside them."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Self

from ..errors import UsageError
from . import manifest as manifests
from .journal import Journal
from .keys import Keys

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from .manifest import Manifest

SYNC_AFTER = 256
"""Rows after which the disk is made to keep them."""


def errors_beside(out: Path) -> Path:
    """Where failures go if nobody says: ``answers.errors.jsonl`` for ``answers.jsonl``."""
    return out.with_name(f"{out.stem}.errors{out.suffix or '.jsonl'}")


def manifest_beside(out: Path) -> Path:
    """Where the manifest of an output stands: ``answers.manifest.json`` for ``answers.jsonl``."""
    return out.with_name(f"{out.stem}.manifest.json")


class Ledger:
    """The outputs of a run, open and locked, and the rows that are in them; to be closed.

    Args:
        out: where answers go.
        errors: where failures go.
        source: the input, which must be another file.

    Raises:
        UsageError: an output cannot be used.
    """

    def __init__(self, out: Path, errors: Path, source: BinaryIO) -> None:
        self._finished = Keys()
        self._manifest = manifest_beside(out)
        self.failed = 0
        with ExitStack() as opened:
            if out.suffix == ".gz" or errors.suffix == ".gz":
                raise UsageError("The outputs grow line by line; give them names without .gz.")
            self._answers = opened.enter_context(closing(Journal(out)))
            if errors.exists() and errors.samefile(out):
                raise UsageError(f"{errors} cannot hold the failures too; name another file.")
            self._failures = opened.enter_context(closing(Journal(errors)))
            for journal in (self._answers, self._failures):
                if journal.is_same_file(source):
                    raise UsageError(f"{journal.path} is the input as well; name another file.")
            self._closing = opened.pop_all()

    @property
    def finished(self) -> int:
        """How many rows are in the outputs."""
        return len(self._finished)

    def has(self, key: str) -> bool:
        """Whether a row is in one of the outputs."""
        return key in self._finished

    def resume(self, manifest: Manifest, *, force: bool, retry_errors: bool) -> None:
        """Take up where earlier runs left off.

        Args:
            manifest: what this run is about.
            force: go on even if the outputs are about something else.
            retry_errors: forget the failures, so that their rows are asked again.

        Raises:
            UsageError: the outputs are about something else, or hold what is no row.
            OSError: the disk is full or broken.
        """
        known = manifests.load(self._manifest)
        if not force:
            self._check(known, manifest)
        for journal in (self._answers, self._failures):
            self._take_in(journal, keep=journal is self._answers or not retry_errors)
        if retry_errors:
            self._failures.clear()
        if known != manifest:
            manifests.save(self._manifest, manifest)

    def _check(self, known: Manifest | None, manifest: Manifest) -> None:
        out = self._answers.path
        if known is None:
            if self._answers.is_empty and self._failures.is_empty:
                return
            raise UsageError(
                f"{out} or its file of errors holds something, and there is no "
                f"{self._manifest.name} beside it; name another output, or pass --force."
            )
        if changed := known.differences(manifest):
            raise UsageError(
                f"{out} was begun with another {' and another '.join(changed)}; "
                "name another output, or pass --force to go on with it."
            )

    def _take_in(self, journal: Journal, *, keep: bool) -> None:
        for key in journal.recover():
            if keep and not self._finished.add(key):
                raise UsageError(
                    f"{journal.path} holds the row {key[:80]!r} that is in the outputs already; "
                    "nothing was changed: remove one of the two."
                )
            self.failed += keep and journal is self._failures

    def record(self, row: dict[str, Any]) -> bool:
        """Write a row where it belongs; return whether it is an answer.

        Raises:
            OSError: the disk is full or broken.
        """
        answered = row["error"] is None and row["response"]["status_code"] == 200
        (self._answers if answered else self._failures).write(row)
        self.failed += not answered
        return answered

    @property
    def needs_sync(self) -> bool:
        """Whether enough was written to make the disk keep it."""
        return self._answers.unsynced + self._failures.unsynced >= SYNC_AFTER

    def sync(self) -> None:
        """Have the disk keep what was written; may run in a thread beside ``record``."""
        for journal in (self._answers, self._failures):
            if journal.unsynced:
                journal.sync()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()
