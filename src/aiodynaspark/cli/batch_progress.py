"""The progress of a batch on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from ..batch import Tally

REDRAW = 0.25
"""Seconds between two looks at the figures on a terminal."""

SAY = 10.0
"""Seconds between two lines elsewhere."""


class Speed:
    """Rows per second of this run, and the time that is left."""

    def __init__(self, tally: Tally, now: float) -> None:
        self._tally = tally
        self._began = now

    def rate(self, now: float) -> float:
        """Rows per second so far."""
        done = self._tally.answered + self._tally.failed_now
        return done / max(now - self._began, 1e-9)

    def left(self, now: float) -> float | None:
        """Seconds until the end at this speed; None where it cannot be told."""
        rate = self.rate(now)
        return (self._tally.rows - self._tally.finished) / rate if rate else None


@asynccontextmanager
async def shown(tally: Tally, failures: Path) -> AsyncIterator[None]:
    """Show a run's figures while inside, sum them up in the end, and say where failures are."""
    speed = Speed(tally, time.monotonic())
    try:
        async with _redrawn(tally, speed):
            yield
    finally:
        if tally.finished:
            click.echo(summary(tally, time.monotonic(), speed), err=True)
        if tally.failed:
            click.echo(f"{failures} says what failed; --retry-errors asks again.", err=True)


@asynccontextmanager
async def _redrawn(tally: Tally, speed: Speed) -> AsyncIterator[None]:
    on_terminal = sys.stderr.isatty()
    with _bar(tally, speed) if on_terminal else _lines(tally, speed) as show:
        redrawing = asyncio.create_task(_repeat(show, REDRAW if on_terminal else SAY))
        try:
            yield
        finally:
            redrawing.cancel()
            await asyncio.wait({redrawing})
            if on_terminal:
                show()


async def _repeat(show: Callable[[], None], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        show()


def summary(tally: Tally, now: float, speed: Speed) -> str:
    """Say what a run came to."""
    parts = [f"{tally.finished:,} of {tally.rows:,} rows finished"]
    if tally.earlier:
        parts.append(f"{tally.earlier:,} of them before")
    parts.append(f"{tally.failed:,} failed")
    return f"{', '.join(parts)}; {figures(tally, now, speed)}."


def figures(tally: Tally, now: float, speed: Speed) -> str:
    """Rows per second, retries and tokens."""
    counted = tally.prompt_tokens + tally.completion_tokens
    tokens = f", {counted:,} tokens" if counted else ""
    rate = speed.rate(now)
    return f"{rate:,.{0 if rate >= 100 else 1}f} rows/s, {tally.retries:,} retries{tokens}"


def clock(seconds: float | None) -> str:
    """A time that is left, such as ``1:02:03``."""
    if seconds is None or seconds > 1e9:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def _lines(tally: Tally, speed: Speed) -> Iterator[Callable[[], None]]:
    def show() -> None:
        now = time.monotonic()
        click.echo(
            f"{tally.finished:,}/{tally.rows:,} rows, {tally.failed:,} failed, "
            f"{figures(tally, now, speed)}, {clock(speed.left(now))} left",
            err=True,
        )

    yield show


@contextmanager
def _bar(tally: Tally, speed: Speed) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Column

    # Narrow enough for 80 columns; the count is the last to give way.
    counted = Column(no_wrap=True, min_width=9)
    columns = (
        BarColumn(bar_width=10),
        MofNCompleteColumn(table_column=counted),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=Console(stderr=True), auto_refresh=False, transient=True
    ) as display:
        task = display.add_task("", total=None)

        def show() -> None:
            now = time.monotonic()
            display.update(
                task,
                total=tally.rows or None,
                completed=tally.finished,
                description=f"{tally.failed:,} failed  {figures(tally, now, speed)}  "
                f"{clock(speed.left(now))} left",
                refresh=True,
            )

        yield show
