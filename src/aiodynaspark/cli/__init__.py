"""The command line: parse, call, print. Each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys

import click

from .._version import __version__
from ..errors import DynasparkError
from .ask import ask
from .batch import batch
from .chat import chat
from .completion import completion
from .logs import logs
from .models import models
from .pull import pull
from .serve import serve

__all__ = ["commands", "main"]

DISK_FULL = 74
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dynaspark")
def commands() -> None:
    """Ask a language model, serve one, and list what there is.

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some rows of a batch failed,
    4 the key was refused, 5 a limit is reached, 74 the disk is full or broken,
    130 interrupted.
    """


for command in (ask, chat, batch, serve, models, pull, logs, completion):
    commands.add_command(command)


def main() -> None:
    """Run a command and exit with the code that its outcome stands for."""
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
