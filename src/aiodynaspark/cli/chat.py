"""``dynaspark chat``: a conversation in the terminal."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import DynasparkError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..model import Model
    from ..types import Message

HELP = """\
/attach PATH   add a picture to the next prompt
/model NAME    ask another model from now on
/system TEXT   tell the model something beforehand
/retry         ask the last prompt again
/save PATH     write the conversation to a file
/help          show this
Ctrl-C stops an answer and keeps what came; Ctrl-D ends."""


@click.command()
@click.option("-m", "--model", default="", help="PROVIDER[:MODEL], or a name the server knows.")
@click.option("-s", "--system", default="", help="What the model is told beforehand.")
@click.option("--url", help="The server to ask: its base, or the endpoint itself.")
@click.option("-c", "--continue", "latest", is_flag=True, help="Continue the last conversation.")
@click.option("--cid", metavar="ID", help="Continue a certain conversation.")
@click.option("-n", "--no-log", is_flag=True, help="Keep nothing of it.")
def chat(
    model: str, system: str, url: str | None, latest: bool, cid: str | None, no_log: bool
) -> None:
    """Talk with a model; /help lists what else can be typed."""
    from .record import continued

    conversation, turns = continued(cid, latest=latest)
    if system:
        turns = [{"role": "system", "content": system}, *turns]
    import asyncio

    with asyncio.Runner() as runner:
        talk = Talk(runner, model, url, turns, conversation, keep=not no_log)
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
    return Command(name, argument.strip())


class Talk:
    """One conversation: what was said, with whom, and the pictures that wait for a prompt."""

    def __init__(
        self,
        runner: asyncio.Runner,
        name: str,
        url: str | None,
        turns: list[Message],
        conversation: str | None,
        *,
        keep: bool,
    ) -> None:
        self._runner = runner
        self._url = url
        self._turns = turns
        self._conversation = conversation
        self._keep = keep
        self._pictures: list[Path] = []
        self._last: tuple[str, list[Path]] | None = None
        self._life = AsyncExitStack()
        self._model: Model | None = None

    def choose(self, name: str) -> None:
        """Ask the model of this name from now on."""
        from .target import target

        async def change() -> None:
            life = AsyncExitStack()
            model = await life.enter_async_context(target(name, self._url, direct=True))
            await self._life.aclose()
            self._life, self._model = life, model

        self._runner.run(change())

    def close(self) -> None:
        """End what the model holds."""
        self._runner.run(self._life.aclose())

    def run(self) -> None:
        """Read lines until the end of input."""
        with suppress(ImportError):
            import readline  # noqa: F401 - gives input() its editing and recall
        if sys.stdin.isatty():
            click.echo("/help shows the commands; Ctrl-D ends.", err=True)
        while (line := self._read()) is not None:
            try:
                self._take(line)
            except DynasparkError as error:
                click.echo(f"Error: {error}", err=True)

    def _read(self) -> str | None:
        while True:
            try:
                line = input("> " if sys.stdin.isatty() else "")
            except EOFError:
                if sys.stdin.isatty():
                    click.echo()
                return None
            except KeyboardInterrupt:
                click.echo("\n(Ctrl-D ends)", err=True)
                continue
            if line.strip():
                return line

    def _take(self, line: str) -> None:
        command = parse_command(line)
        if command is None:
            self._ask(line.removeprefix("/") if line.startswith("//") else line)
            return
        known: dict[str, Callable[[str], None]] = {
            "attach": self._attach,
            "model": self.choose,
            "system": self._tell,
            "retry": self._retry,
            "save": self._save,
            "help": lambda _: click.echo(HELP, err=True),
        }
        if command.name not in known:
            click.echo(f"There is no /{command.name}; /help lists what there is.", err=True)
            return
        known[command.name](command.argument)

    def _attach(self, path: str) -> None:
        from ..media import inspect

        inspect(path)
        self._pictures.append(Path(path))
        click.echo(f"{len(self._pictures)} picture(s) go with the next prompt.", err=True)

    def _tell(self, text: str) -> None:
        self._turns = [turn for turn in self._turns if turn["role"] != "system"]
        if text:
            self._turns.insert(0, {"role": "system", "content": text})

    def _retry(self, _: str) -> None:
        if self._last is None:
            click.echo("Nothing was asked yet.", err=True)
            return
        prompt, self._pictures = self._last
        while self._turns and self._turns[-1]["role"] != "user":
            self._turns.pop()
        del self._turns[-1:]
        self._ask(prompt)

    def _save(self, path: str) -> None:
        if not path:
            click.echo("Say where to: /save PATH.", err=True)
            return
        text = "\n\n".join(f"**{turn['role']}**: {turn['content']}" for turn in self._turns)
        try:
            Path(path).expanduser().write_text(text + "\n")
        except OSError as error:
            click.echo(f"{path} cannot be written: {error.strerror}.", err=True)

    def _ask(self, prompt: str) -> None:
        """Ask, show the answer as it comes, and keep both; Ctrl-C keeps what came."""
        question = {"role": "user", "content": prompt}
        pictures, self._pictures = self._pictures, []
        self._last = (prompt, pictures)
        said: list[str] = []
        try:
            self._runner.run(self._answer([*self._turns, question], pictures, said))
        except KeyboardInterrupt:
            click.echo("(stopped)", err=True)
        finally:
            if said:
                answer = {"role": "assistant", "content": "".join(said)}
                self._turns += [question, answer]
                self._record([question, answer])

    async def _answer(self, messages: list[Message], pictures: list[Path], said: list[str]) -> None:
        from .show import Printer, Rendered

        assert self._model is not None
        show = Rendered() if sys.stdout.isatty() else Printer()
        media: list[Any] = [(picture, picture.name) for picture in pictures]
        chunks = self._model.stream(messages, media=media or None, losses=show.lost)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if isinstance(chunk, str):
                        said.append(chunk)
                    show.show(chunk)
        finally:
            show.end()

    def _record(self, turns: list[Message]) -> None:
        from .record import keep

        assert self._model is not None
        if self._keep:
            self._conversation = keep(self._conversation, model=self._model.label, turns=turns)
