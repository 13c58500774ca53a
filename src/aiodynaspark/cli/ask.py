"""``dynaspark ask``: one prompt, one answer."""

from __future__ import annotations

import io
import sys
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from .. import settings
from ..errors import DynasparkError, UsageError
from .parameters import (
    cid_option,
    continue_option,
    model_option,
    no_log_option,
    system_option,
    url_option,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..types import Message
    from .show import Display

STDIN = STDOUT = "-"
OURS = frozenset({"losses", "media", "messages", "model", "notify", "stream", "transport"})
"""What is passed to a provider beside its options, and so is none of them."""


@dataclass(frozen=True, slots=True)
class How:
    """The options of an ask that say how, not what."""

    model: str
    url: str | None
    options: dict[str, Any]
    timeout: float | None
    no_stream: bool
    as_json: bool
    code: bool
    usage: bool
    output: str | None
    no_log: bool
    dry_run: bool


def _options(
    context: click.Context, parameter: click.Parameter, given: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    if taken := OURS.intersection(name for name, _ in given):
        raise click.BadParameter(f"{min(taken)} is no option of a provider.")
    return {name: _value(text) for name, text in given}


def _value(text: str) -> Any:
    """An option's value: JSON where it is (a number, true), else the text itself."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


@click.command()
@click.argument("prompt", nargs=-1)
@click.option(
    "-a",
    "--attach",
    "pictures",
    type=click.Path(allow_dash=True),
    multiple=True,
    metavar="PICTURE",
    help="A picture to send along; - for one that is piped in.",
)
@model_option
@system_option
@click.option(
    "-o",
    "--option",
    "options",
    nargs=2,
    multiple=True,
    callback=_options,
    metavar="KEY VALUE",
    help="One of the provider's options, such as: -o temperature 0.5",
)
@continue_option
@cid_option
@no_log_option
@click.option("-x", "--extract", "code", is_flag=True, help="Print the first code block alone.")
@click.option("-u", "--usage", is_flag=True, help="Say how many tokens and seconds it took.")
@click.option("-O", "--output", type=click.Path(), metavar="FILE", help="Write the answer there.")
@url_option
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long it all may take.")
@click.option("--dry-run", is_flag=True, help="Print the form as a curl command instead.")
def ask(
    prompt: tuple[str, ...],
    pictures: tuple[str, ...],
    system: str,
    latest: bool,
    cid: str | None,
    **how: Any,
) -> None:
    """Ask PROMPT; what is piped in goes before it.

    Without --url and DYNASPARK_URL it asks a server on this machine, or starts one for this ask
    with the embedded model.
    """
    from .harmless import readable
    from .record import continued

    if how["as_json"] and how["code"]:
        raise click.UsageError("--json and -x exclude each other.")
    piped = _piped()
    media = _media(pictures, piped)
    before = "" if STDIN in pictures else piped.decode("utf-8", "replace").rstrip("\n")
    text = "\n\n".join(part for part in (before, readable(" ".join(prompt))) if part)
    if not text.strip() and not media:
        raise click.UsageError('Say what to ask: dynaspark ask "PROMPT".')
    question = {"role": "user", "content": text or "Describe this picture."}
    earlier = continued(cid, latest=latest)
    if not how["url"]:
        how["model"] = how["model"] or earlier.model
    told = [{"role": "system", "content": readable(system)}] if system else []
    import asyncio  # here: help and usage errors need none

    messages = [*told, *earlier.turns, question]
    asyncio.run(_ask(messages, media, earlier.id, How(**how)))


async def _ask(
    messages: list[Message], media: list[tuple[Any, str]], conversation: str | None, how: How
) -> None:
    from .heard import Heard, hear
    from .record import keep
    from .target import target

    options = dict(how.options)
    if how.timeout is not None:
        options["timeout"] = how.timeout
    if how.dry_run:
        click.echo(_as_curl(messages, media, how, options))
        return
    options["stream"] = not (how.no_stream or how.as_json)
    heard = Heard()
    with _output(how.output) as out:
        show = _display(how, out)
        try:
            async with target(how.model, how.url) as asked:
                await hear(asked, messages, media, show, heard, **options)
        except DynasparkError as error:
            show.end(error)
            raise
        show.end()
    if how.usage:
        click.echo(heard.summary(), err=True)
    if not how.no_log:
        answer = {"role": "assistant", "content": heard.text}
        model = how.model or heard.model or asked.label
        keep(conversation, model=model, turns=[messages[-1], answer])


def _display(how: How, out: TextIO | None) -> Display:
    from .show import CodeBlock, Collector, Printer

    if how.as_json:
        return Collector(out)
    return CodeBlock(out, how.model) if how.code else Printer(out, how.model)


class _Output(io.TextIOWrapper):
    """A file that keeps what it holds until there is something to write."""

    def __init__(self, path: str) -> None:
        super().__init__(Path(path).open("ab"), encoding="utf-8")  # noqa: SIM115 - closed with it
        self._begun = False

    def write(self, text: str) -> int:
        if not self._begun:
            self._begun = True
            with suppress(OSError):  # pipes and devices hold nothing
                self.buffer.truncate(0)
        return super().write(text)


def _output(path: str | None) -> AbstractContextManager[TextIO | None]:
    return nullcontext() if path in (None, STDOUT) else _Output(path)


def _as_curl(
    messages: list[Message], media: list[tuple[Any, str]], how: How, options: dict[str, Any]
) -> str:
    from ..model import Model
    from ..providers.dynaspark import Dynaspark, Options, prepare
    from .curl import render_curl
    from .target import named, server_options

    asked = named(how.model, how.url) or Model(Dynaspark, how.model)
    if asked.provider is not Dynaspark:
        raise UsageError(f"No form is sent to {how.model}, so --dry-run has none to show.")
    address = how.url or settings.server_url()
    parsed = Options.parse({**options, **server_options(address)})
    if parsed.images == "sheet" and len(media) > 1:
        raise UsageError(
            "--dry-run cannot show a sheet, which is made only to be sent; give one picture."
        )
    post = prepare(Dynaspark, asked.name, messages, media, parsed)
    first = media[0][0] if media else None
    return render_curl(post, str(first) if isinstance(first, Path) else STDIN)


def _media(pictures: tuple[str, ...], piped: bytes) -> list[tuple[Any, str]]:
    from ..media import inspect

    sources = [piped if picture == STDIN else Path(picture) for picture in pictures]
    for source in sources:
        inspect(source)
    return [(source, source.name if isinstance(source, Path) else "") for source in sources]


def _piped() -> bytes:
    """What is piped in; nothing on a terminal."""
    from .progress import patience

    if sys.stdin.isatty():
        return b""
    with patience("reading standard input ..."):
        return sys.stdin.buffer.read()
