"""The command line: parse, call, print. A command is imported when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from .._version import __version__
from ..errors import DynasparkError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["commands", "main"]

DISK_FULL = 74
INTERRUPTED = 130


COMMANDS = {
    "ask": "Ask PROMPT; what is piped in goes before it.",
    "batch": "Ask about each row of IN, and append the answers to OUT; run again, it goes on.",
    "chat": "Talk with a model; /help lists what else can be typed.",
    "completion": "Print what makes SHELL complete dynaspark's commands and options.",
    "logs": "List, show or stop keeping conversations.",
    "models": "List what -m takes: PROVIDER:MODEL, each provider's default first.",
    "pull": "Fetch the embedded model's weights ahead, to work offline from then on.",
    "serve": "Answer the Dynaspark wire, from the embedded model or any other.",
}
"""The commands, each a module of that name here, and what its own help begins with."""


class _Lazy(Mapping[str, click.Command]):
    """The commands by their names, each imported when it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in COMMANDS:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f".{name}", __name__), name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(click.Group):
    """Lists the commands without importing any."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    commands=_Lazy(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="dynaspark")
def commands() -> None:
    """Ask a language model, serve one, and list what there is.

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some rows of a batch failed,
    4 the key was refused, 5 a limit is reached, 74 the disk is full or broken,
    130 interrupted.
    """


def _prepare_streams() -> None:
    """Put something where a stream is closed, and write what a locale cannot show as ``?``."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Open for the whole run; pathlib would take a tenth of the time that help does.
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def main() -> None:
    """Run a command and exit with the code that its outcome stands for."""
    _prepare_streams()
    try:
        code = commands.main(prog_name="dynaspark", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except DynasparkError as error:
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has left; nothing more can be said there, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        click.echo(f"Error: {error.filename or 'the output'}: {error.strerror or error}.", err=True)
        code = DISK_FULL
    sys.exit(code)
