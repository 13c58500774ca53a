"""``dynaspark batch``: many prompts, each answered once, whatever happens on the way."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .parameters import model_option, system_option, url_option

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterator

    from ..batch import Tally
    from ..model import Model

FAILED_ROWS = 3


def _concurrency(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdecimal():
        raise click.BadParameter(f"{value!r} is neither a number of rows nor auto.")
    return int(value)


def _file(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.name == "-":
        raise click.BadParameter("A batch goes on from what its files hold; name a file.")
    return path


@click.command()
@click.argument("source", type=click.Path(allow_dash=True), metavar="IN")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path), callback=_file)
@click.option(
    "--errors",
    type=click.Path(path_type=Path),
    callback=_file,
    metavar="FILE",
    help="Failures go here.",
)
@model_option
@system_option
@url_option
@click.option("--timeout", type=float, metavar="SECONDS", help="How long one row may take.")
@click.option(
    "--concurrency",
    callback=_concurrency,
    default="auto",
    metavar="N|auto",
    help="Rows at once, 1 to 256; auto adapts it to how it goes.",
)
@click.option("--rpm", type=float, metavar="N", help="Requests per minute at most.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="The first N rows alone.")
@click.option(
    "--allow-dir", "allow_dirs", multiple=True, metavar="DIR", help="Pictures may lie there too."
)
@click.option("--retry-errors", is_flag=True, help="Ask again about the rows that failed.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Ask from this process, or from a Ray cluster.",
)
@click.option("--address", metavar="HOST:PORT|auto", help="The Ray cluster; else one started here.")
@click.option(
    "--workers", type=click.IntRange(1), metavar="N", help="Workers on Ray; else a CPU each."
)
@click.option("--force", is_flag=True, help="Go on though the input or the model has changed.")
def batch(source: str, out: Path, **settings: Any) -> int:
    """Ask about each row of IN, and append the answers to OUT; run again, it goes on.

    IN holds one JSON object on each line, {"prompt": "..."} or as OpenAI's batches have it, and
    may be compressed (.gz). "-" reads a pipe, in which each line may also be a bare prompt.
    """
    import asyncio

    tally = asyncio.run(_batch(source, out, **settings))
    if tally.stopped:
        raise click.Abort
    return FAILED_ROWS if tally.failed else 0


async def _batch(
    source: str,
    out: Path,
    *,
    errors: Path | None,
    model: str,
    url: str | None,
    timeout: float | None,
    engine: str,
    address: str | None,
    workers: int | None,
    **settings: Any,
) -> Tally:
    from ..batch import Tally
    from ..batch.ledger import errors_beside
    from .batch_progress import shown
    from .progress import opening
    from .target import target

    errors = errors or errors_beside(out)
    jobs = sys.stdin.buffer if source == "-" else source
    on_ray = engine == "ray"
    run = _on_ray(address, workers) if on_ray else _here(address, workers)
    tally = Tally()
    async with target(model, url, direct=on_ray) as found:
        asked = _configured(found, named=bool(model), timeout=timeout)
        await opening(asked)
        if on_ray:
            await asked.aclose()  # it can be opened, and each worker opens its own
        try:
            with _interruptible() as stop:
                async with shown(tally, errors):
                    await run(
                        jobs, asked, out=out, errors=errors, stop=stop, tally=tally, **settings
                    )
        finally:
            await asked.aclose()
    return tally


def _here(address: str | None, workers: int | None) -> Callable[..., Awaitable[Tally]]:
    from ..batch import run

    if address or workers:
        raise click.UsageError("--address and --workers are for --engine ray.")
    return run


def _on_ray(address: str | None, workers: int | None) -> Callable[..., Awaitable[Tally]]:
    from ..batch_ray import run

    return partial(run, address=address, workers=workers)


def _configured(model: Model, *, named: bool, timeout: float | None) -> Model:
    """Keep to the model that the command line names; else each row may name its own."""
    return replace(
        model,
        name=model.label if named else model.name,
        options={**model.options, **({"timeout": timeout} if timeout is not None else {})},
    )


@contextmanager
def _interruptible() -> Iterator[asyncio.Event]:
    """Give an event that Ctrl-C and SIGTERM set; the second Ctrl-C interrupts at once."""
    import asyncio

    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        said = "Stopping: rows under way get 10 s; Ctrl-C again stops at once."
        click.echo(said, file=sys.stderr)  # which the bar has replaced, to keep its line
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, interrupt)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
