"""Progress on stderr: a bar on a terminal, single lines elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sized
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from ..model import Model

    Progress: TypeAlias = Callable[[int, int | None], None]

PATIENCE = 1.0
"""Seconds that something may take before it is worth a word."""


@contextmanager
def patience(sentence: str) -> Iterator[Callable[[], None]]:
    """Say a sentence on stderr if this takes its time; gives a function that calls that off."""
    notice = threading.Timer(PATIENCE, click.echo, [sentence], {"err": True})
    notice.daemon = True
    notice.start()
    try:
        yield notice.cancel
    finally:
        notice.cancel()


def looking(pictures: Sized) -> AbstractContextManager[Callable[[], object]]:
    """Say so if it takes its time until the first is known of pictures; see ``patience``."""
    return patience("looking at the picture ...") if pictures else nullcontext(lambda: None)


async def opening(model: Model) -> None:
    """Open a model, with a word on stderr where that takes its time."""
    with patience(f"opening {model.label} ...") as call_off, downloading() as show:

        def progress(done: int, total: int | None) -> None:
            call_off()  # what is shown of the download says enough
            show(done, total)

        await model.open(progress=progress)


@contextmanager
def downloading() -> Iterator[Progress]:
    """Give a function that is told ``(bytes so far, bytes in all or None)`` and shows them."""
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines().show


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("fetching weights"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = None

        def show(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:
                task = display.add_task("", total=total)
            display.update(task, completed=done, total=total)

        yield show


class _Lines:
    """Says that a download began, and then each quarter of it."""

    def __init__(self) -> None:
        self._said = -1

    def show(self, done: int, total: int | None) -> None:
        quarter = 4 * done // total if total else 0
        if quarter > self._said:
            self._said = quarter
            of_all = f" of {total / 1e6:.0f}" if total else ""
            click.echo(f"fetching weights: {done / 1e6:.0f}{of_all} MB", err=True)
