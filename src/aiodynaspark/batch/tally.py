"""The figures of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What a run has come to so far.

    Attributes:
        rows: how many the input has; 0 until it has been looked through.
        earlier: how many of them earlier runs had finished, failures included.
        answered: rows that this run got an answer for.
        failed: rows in the file of errors, earlier runs' included.
        failed_now: those of them that this run added.
        retries: attempts that were made again.
        prompt_tokens: as the provider counts them.
        completion_tokens: as the provider counts them.
        concurrency: how many rows may be under way at once.
        stopped: whether the run was stopped before its end.
    """

    rows: int = 0
    earlier: int = 0
    answered: int = 0
    failed: int = 0
    failed_now: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    concurrency: int = 0
    stopped: bool = False

    @property
    def finished(self) -> int:
        """Rows that need nothing more, now and from earlier runs."""
        return self.earlier + self.answered + self.failed_now
