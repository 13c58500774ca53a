"""``dynaspark ask``: one prompt, one answer."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import DynasparkError

if TYPE_CHECKING:
    from ..types import Messages

PATIENCE = 2.0
"""Seconds to wait for standard input before saying so."""


@click.command()
@click.argument("prompt", required=False)
@click.option("-a", "--attach", "pictures", multiple=True, metavar="PICTURE", help="A picture.")
@click.option("-m", "--model", default="", help="PROVIDER[:MODEL], or a name the server knows.")
@click.option("-s", "--system", default="", help="What the model is told beforehand.")
@click.option("--url", help="The server to ask: its base, or the endpoint itself.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long it all may take.")
def ask(prompt: str | None, pictures: tuple[str, ...], system: str, **settings: Any) -> None:
    """Ask PROMPT; what is piped in goes before it.

    Without --url and DYNASPARK_URL it asks a server on this machine, or starts one for this ask
    with the embedded model.
    """
    text = "\n\n".join(part for part in (_piped(), prompt) if part)
    if not text.strip() and not pictures:
        raise click.UsageError('Say what to ask: dynaspark ask "PROMPT".')
    told = [{"role": "system", "content": system}] if system else []
    messages = [*told, {"role": "user", "content": text or "Describe this picture."}]
    asyncio.run(_ask(messages, _checked(pictures), **settings))


async def _ask(
    messages: Messages,
    media: list[tuple[Path, str]],
    *,
    model: str,
    url: str | None,
    no_stream: bool,
    as_json: bool,
    timeout: float | None,
) -> None:
    from .show import Collector, Printer
    from .target import target

    show = Collector() if as_json else Printer()
    options: dict[str, Any] = {
        "stream": not (no_stream or as_json),
        "timeout": timeout,
        "losses": show.lost,
        "notify": lambda sentence: click.echo(sentence, err=True),
    }
    try:
        async with (
            target(model, url) as asked,
            aclosing(asked.stream(messages, media=media or None, **options)) as chunks,
        ):
            async for chunk in chunks:
                show.show(chunk)
    except DynasparkError as error:
        show.end(error)
        raise
    show.end()


def _checked(pictures: tuple[str, ...]) -> list[tuple[Path, str]]:
    from ..media import inspect

    for picture in pictures:
        inspect(picture)
    return [(Path(picture), Path(picture).name) for picture in pictures]


def _piped() -> str:
    """What is piped in, without the line break at its end; "" on a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    notice = threading.Timer(PATIENCE, click.echo, ["reading standard input ..."], {"err": True})
    notice.daemon = True
    notice.start()
    try:
        return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")
    finally:
        notice.cancel()
