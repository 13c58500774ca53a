"""Lines as a person types them: edited, recalled and completed by readline."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from glob import escape, glob
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

PROMPT, GOES_ON = "> ", ". "


def set_up(commands: Collection[str], earlier: Iterable[str]) -> None:
    """Complete commands and paths with Tab, paste several lines as one prompt, recall earlier ones.

    Args:
        commands: such as ``/help``.
        earlier: prompts to recall, the oldest first.
    """
    try:
        import readline
    except ImportError:  # not on every system
        return
    for prompt in earlier:
        readline.add_history(prompt)
    readline.set_completer_delims(" ")
    readline.set_completer(_Completer(commands, readline))
    on_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if on_libedit else "tab: complete")
    if not settings.is_dumb_terminal():
        readline.parse_and_bind("set enable-bracketed-paste on")


class _Completer:
    def __init__(self, commands: Collection[str], readline: Any) -> None:
        self._commands = commands
        self._readline = readline

    def __call__(self, typed: str, state: int) -> str | None:
        found = completions(self._readline.get_line_buffer(), typed, self._commands)
        return found[state] if state < len(found) else None


def completions(line: str, typed: str, commands: Collection[str]) -> list[str]:
    """What the last word of a command may become: a command, or a path in its argument."""
    if not line.startswith("/"):
        return []
    if line == typed:
        return [f"{name} " for name in commands if name.startswith(typed)]
    found = sorted(map(Path, glob(f"{escape(_at_home(typed))}*")))  # noqa: PTH207 - paths as typed
    return [f"{path}/" if path.is_dir() else str(path) for path in found]


def _at_home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 - pathlib's raises for a user there is none of


def read() -> str | None:
    """Read what is typed, over several lines where one ends in a backslash; None at the end.

    Ctrl-C throws away what is typed so far.
    """
    lines: list[str] = []
    while True:
        try:
            line = _line(GOES_ON if lines else PROMPT)
        except EOFError:
            if sys.stdin.isatty():
                click.echo(err=True)
            return "\n".join(lines) or None
        except KeyboardInterrupt:
            click.echo("\n(Ctrl-D ends)", err=True)
            lines = []
            continue
        lines.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            if any(map(str.strip, lines)):
                return "\n".join(lines)
            lines = []


def _line(prompt: str) -> str:
    if not sys.stdin.isatty():
        return input()
    if sys.stdout.isatty():
        return input(prompt)
    click.echo(prompt, nl=False, err=True)  # input() would write it where the answers go
    return input()


@contextmanager
def unechoed() -> Iterator[None]:
    """Keep what is typed meanwhile off the screen; the next prompt shows it."""
    if not (sys.stdin.isatty() and find_spec("termios")):
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def parse_path(text: str) -> Path:
    """Read a path as it is typed, or as a terminal writes one that is dropped on it.

    ``~`` is the home directory; quotes and backslashes are a shell's, unless a file is named so.
    """
    path = Path(_at_home(text))
    if os.path.exists(path):  # noqa: PTH110 - pathlib's raises for a name that is too long
        return path
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    return Path(_at_home(words[0])) if len(words) == 1 else path
