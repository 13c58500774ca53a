"""``dynaspark chat``: a conversation in the terminal."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from difflib import get_close_matches
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple

import click

from ..errors import DynasparkError
from . import line_editor
from .parameters import (
    cid_option,
    continue_option,
    model_option,
    no_log_option,
    system_option,
    url_option,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from ..model import Model
    from ..types import Message
    from .heard import Heard
    from .record import Earlier

HELP = """\
/attach PATH   add a picture to the next prompt
/model NAME    ask another model from now on
/system TEXT   tell the model something beforehand; nothing without TEXT
/retry         ask the last prompt again
/save PATH     write the conversation to a file
/clear         forget what was said, and begin anew
/help          show this
/quit          end, as Ctrl-D does
A line that ends in \\ goes on in the next one; // begins a prompt with a slash.
Ctrl-C stops an answer and keeps what came."""


@click.command()
@model_option
@system_option
@url_option
@continue_option
@cid_option
@no_log_option
def chat(
    model: str, system: str, url: str | None, latest: bool, cid: str | None, no_log: bool
) -> None:
    """Talk with a model; /help lists what else can be typed."""
    from .record import continued

    earlier = continued(cid, latest=latest)
    if not url:
        model = model or earlier.model
    if system:
        earlier.turns.insert(0, {"role": "system", "content": system})
    import asyncio

    with asyncio.Runner() as runner:
        talk = Talk(runner, model, url, earlier, keep=not no_log)
        try:
            talk.choose(model)
            talk.run()
        finally:
            talk.close()


class Command(NamedTuple):
    """A line that starts with a slash."""

    name: str
    argument: str


def parse_command(line: str) -> Command | None:
    """Read ``/name argument``; None for what is a prompt. Pure."""
    if not line.startswith("/") or line.startswith("//"):
        return None
    name, _, argument = line[1:].partition(" ")
    return Command(name.lower(), argument.strip())


class Asked(NamedTuple):
    """The last prompt, its pictures, and how many of the turns it and its answer are."""

    prompt: str
    pictures: list[Path]
    turns: int


class Talk:
    """One conversation: what was said, with whom, and the pictures that wait for a prompt."""

    def __init__(
        self,
        runner: asyncio.Runner,
        name: str,
        url: str | None,
        earlier: Earlier,
        *,
        keep: bool,
    ) -> None:
        self._runner = runner
        self._name = name
        self._url = url
        self._turns = earlier.turns
        self._conversation = earlier.id
        self._keep = keep
        self._pictures: list[Path] = []
        self._last = _last_of(earlier.turns)
        self._kept = self._last.turns if self._last else 0  # turns of it that the history holds
        self._told_of_packing = False
        self._life = AsyncExitStack()
        self._model: Model | None = None
        self._known: dict[str, Callable[[str], None]] = {
            "attach": self._attach,
            "model": self._change,
            "system": self._tell,
            "retry": self._retry,
            "save": self._save,
            "clear": self._clear,
            "help": lambda _: click.echo(HELP, err=True),
            "quit": self._quit,
        }

    def choose(self, name: str) -> None:
        """Ask the model of this name from now on."""
        from .target import target

        async def change() -> None:
            life = AsyncExitStack()
            model = await life.enter_async_context(target(name, self._url, direct=True))
            await self._life.aclose()
            self._life, self._model, self._name = life, model, name

        self._runner.run(change())

    def close(self) -> None:
        """End what the model holds."""
        self._runner.run(self._life.aclose())

    def run(self) -> None:
        """Read lines until the end of input."""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if sys.stdin.isatty():
            self._greet()
        while (line := line_editor.read()) is not None:
            try:
                with line_editor.unechoed():
                    self._take(line)
            except _Quit:
                return
            except KeyboardInterrupt:
                click.echo("(stopped)", err=True)
            except DynasparkError as error:
                click.echo(f"Error: {error}", err=True)

    def _greet(self) -> None:
        from .record import asked_before

        line_editor.set_up([f"/{name}" for name in self._known], asked_before())
        if self._conversation:
            click.echo(f"Going on with {self._conversation}, {len(self._turns)} turns.", err=True)
        click.echo("/help shows the commands; Ctrl-D ends.", err=True)

    def _take(self, line: str) -> None:
        command = parse_command(line)
        if command is None:
            self._ask(line.removeprefix("/") if line.startswith("//") else line)
        elif command.name in ("exit", "bye"):
            self._quit("")
        elif command.name in self._known:
            self._known[command.name](command.argument)
        else:
            near = get_close_matches(command.name, self._known, n=1)
            hint = f"did you mean /{near[0]}?" if near else "/help lists what there is."
            click.echo(f"There is no /{command.name}; {hint}", err=True)

    def _attach(self, path: str) -> None:
        from ..media import inspect

        if not path:
            click.echo("Say which picture: /attach PATH.", err=True)
            return
        picture = line_editor.parse_path(path)
        inspect(picture)
        self._pictures.append(picture)
        click.echo(f"{len(self._pictures)} picture(s) go with the next prompt.", err=True)

    def _change(self, name: str) -> None:
        if not name:
            click.echo("Say which one: /model NAME; `dynaspark models` lists some.", err=True)
            return
        self.choose(name)
        click.echo(f"{name} is asked from now on.", err=True)

    def _tell(self, text: str) -> None:
        self._turns = [turn for turn in self._turns if turn["role"] != "system"]
        if text:
            self._turns.insert(0, {"role": "system", "content": text})
        click.echo(f"The model is told {'that' if text else 'nothing'} beforehand.", err=True)

    def _clear(self, _: str) -> None:
        self._turns = [turn for turn in self._turns if turn["role"] == "system"]
        self._conversation, self._last, self._pictures, self._kept = None, None, [], 0
        click.echo("This is a new conversation.", err=True)

    def _quit(self, _: str) -> None:
        raise _Quit

    def _retry(self, _: str) -> None:
        if self._last is None:
            click.echo("Nothing was asked yet.", err=True)
            return
        self._pictures = self._last.pictures
        self._ask(self._last.prompt, instead_of=self._last.turns)

    def _save(self, path: str) -> None:
        if not path:
            click.echo("Say where to: /save PATH.", err=True)
            return
        file = line_editor.parse_path(path)
        text = "\n\n".join(f"**{turn['role']}**: {turn['content']}" for turn in self._turns)
        try:
            file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            click.echo(f"{file} cannot be written: {error.strerror}.", err=True)
        else:
            click.echo(f"Saved in {file}.", err=True)

    def _ask(self, prompt: str, *, instead_of: int = 0) -> None:
        """Ask, show the answer as it comes, and keep both, whatever of it came.

        Args:
            prompt: what to ask, about the pictures that wait.
            instead_of: how many turns at the end make room for it once there is an answer.
        """
        from .heard import Heard

        question = {"role": "user", "content": prompt}
        pictures, self._pictures = self._pictures, []
        self._last = Asked(prompt, pictures, instead_of)
        before = self._turns[: len(self._turns) - instead_of]
        heard = Heard()
        try:
            self._runner.run(self._answer([*before, question], pictures, heard))
        finally:
            if heard.text:
                answered: list[Message] = [question, {"role": "assistant", "content": heard.text}]
                self._turns = [*before, *answered]
                self._last = Asked(prompt, pictures, len(answered))
                self._record(answered, heard, again=instead_of > 0)

    async def _answer(self, messages: list[Message], pictures: list[Path], heard: Heard) -> None:
        from .heard import hear
        from .show import Printer, Rendered

        assert self._model is not None
        show = Rendered() if sys.stdout.isatty() else Printer()
        media = [(picture, picture.name) for picture in pictures]
        try:
            await hear(self._model, messages, media, show, heard)
        finally:
            show.end()
        if show.packed and not self._told_of_packing:
            click.echo("What was said before goes along as part of the prompt.", err=True)
            self._told_of_packing = True

    def _record(self, turns: list[Message], heard: Heard, *, again: bool) -> None:
        from .record import keep

        assert self._model is not None
        if not self._keep:
            return
        self._kept *= again
        model = self._name or heard.model or self._model.label
        kept = keep(self._conversation, model=model, turns=turns, instead_of=self._kept)
        if kept:
            self._conversation, self._kept = kept, len(turns)


class _Quit(Exception):
    """The person wants to end."""


def _last_of(turns: list[Message]) -> Asked | None:
    """The last prompt of a conversation that is continued; its pictures were not kept."""
    if [turn["role"] for turn in turns[-2:]] != ["user", "assistant"]:
        return None
    return Asked(turns[-2]["content"], [], 2)
