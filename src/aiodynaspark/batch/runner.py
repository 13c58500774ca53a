"""A run from input to output: looks the input through, asks, and alone writes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .due import Due, survey
from .engine import LocalEngine
from .ledger import Ledger, errors_beside
from .lines import opened
from .manifest import manifest_of
from .pictures import Pictures
from .tally import Tally

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterable

    from ..model import Model
    from .engine import Engine
    from .lines import Jobs
    from .rows import Row

SYNC_EVERY = 1.0
"""Seconds after which the disk is made to keep what was written."""


async def run(
    jobs: Jobs,
    model: Model,
    *,
    out: str | os.PathLike[str],
    errors: str | os.PathLike[str] | None = None,
    system: str = "",
    concurrency: int | None = None,
    rpm: float | None = None,
    limit: int | None = None,
    allow_dirs: Iterable[str | os.PathLike[str]] = (),
    retry_errors: bool = False,
    force: bool = False,
    stop: asyncio.Event | None = None,
    tally: Tally | None = None,
    engine: Callable[[int | None, float | None], Engine] = LocalEngine,
) -> Tally:
    """Ask a model about each row of an input; go on where an earlier run was cut off.

    Calls are made at least once, rows are written exactly once. Output and errors have the shape
    of OpenAI's batches. Beside the output stands a manifest of what the run is about.

    Args:
        jobs: a path (``.gz`` is decompressed), a pipe, or rows: prompts or objects.
        model: what to ask.
        out: where answers are appended.
        errors: where failures are appended; ``NAME.errors.jsonl`` beside ``out`` by default.
        system: what the model is told where a row does not say it itself.
        concurrency: rows under way at once, 1 to 256; None adapts it to how it goes.
        rpm: requests per minute at most, retries included.
        limit: ask about the first so many rows alone.
        allow_dirs: directories besides the input's own that pictures may come from.
        retry_errors: ask again about the rows that failed.
        force: go on though the input, the model or the settings have changed.
        stop: set it to end early; rows under way get 10 s.
        tally: figures to keep up to date, for a display.
        engine: makes, of ``concurrency`` and ``rpm``, what does the asking.

    Returns:
        The figures of the run.

    Raises:
        UsageError: something of the set-up is wrong; nothing was asked.
        AuthenticationError: the key was refused.
        RateLimitError: nothing is left to spend.
        ConnectError: nobody answers there.
        OSError: the disk is full or broken; a later run goes on from there.
    """
    _check_numbers(concurrency, rpm, limit)
    out = Path(out)
    errors = Path(errors) if errors is not None else errors_beside(out)
    tally = tally if tally is not None else Tally()
    if not out.parent.is_dir():
        raise UsageError(f"There is no directory {out.parent}; make it first.")
    stop = stop or asyncio.Event()
    asking = engine(concurrency, rpm)
    with ExitStack() as stack:
        lines = await asyncio.to_thread(stack.enter_context, opened(jobs, spool=out.parent))
        ledger = stack.enter_context(Ledger(out, errors, lines.file))
        digest, ids, tally.rows = await asyncio.to_thread(survey, lines, limit)
        manifest = manifest_of(model, digest=digest, system=system)
        await asyncio.to_thread(ledger.resume, manifest, force=force, retry_errors=retry_errors)
        tally.failed = ledger.failed
        recorder = _Recorder(ledger, tally)
        due = Due(lines, ledger, ids, Pictures(lines.directory, map(Path, allow_dirs)), system)
        async with (
            _synced(ledger),
            aclosing(due.rows(limit, tally, refuse=recorder.record)) as rows,
            aclosing(asking.answer(rows, model, stop=stop)) as outcomes,
        ):
            async for outcome in outcomes:
                tally.retries, tally.concurrency = asking.retries, asking.concurrency
                await recorder.record(outcome)
        tally.stopped = stop.is_set() and tally.finished < tally.rows
    return tally


def _check_numbers(concurrency: int | None, rpm: float | None, limit: int | None) -> None:
    if concurrency is not None and not 1 <= concurrency <= 256:
        raise UsageError("concurrency must be 1 to 256, or auto.")
    if rpm is not None and not 0 < rpm < 1e9:
        raise UsageError("rpm must be a number of requests above zero.")
    if limit is not None and limit < 1:
        raise UsageError("limit must be a number of rows above zero.")


@asynccontextmanager
async def _synced(ledger: Ledger) -> AsyncIterator[None]:
    """Have the disk keep what was written, each second while inside."""
    ticker = asyncio.create_task(_sync_each_second(ledger))
    try:
        yield
    finally:
        ticker.cancel()
        await asyncio.wait({ticker})


async def _sync_each_second(ledger: Ledger) -> None:
    while True:
        await asyncio.sleep(SYNC_EVERY)
        await asyncio.to_thread(ledger.sync)


class _Recorder:
    """Writes rows and counts them."""

    def __init__(self, ledger: Ledger, tally: Tally) -> None:
        self._ledger = ledger
        self._tally = tally

    async def record(self, row: Row) -> None:
        if self._ledger.record(row):
            self._tally.answered += 1
            usage = row["response"]["body"]["usage"] or {}
            self._tally.prompt_tokens += usage.get("prompt_tokens", 0)
            self._tally.completion_tokens += usage.get("completion_tokens", 0)
        else:
            self._tally.failed_now += 1
        self._tally.failed = self._ledger.failed
        if self._ledger.needs_sync:
            await asyncio.to_thread(self._ledger.sync)
