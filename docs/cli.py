"""Writes ``docs/cli.md`` from the commands themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from aiodynaspark.cli import commands

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Command line

Written by `python docs/cli.py` from the commands themselves; a test compares.
"""


def render() -> str:
    """The whole page."""
    root = click.Context(commands, info_name="dynaspark", max_content_width=96, terminal_width=96)
    return "\n".join([HEAD, *_sections(root)])


def _sections(context: click.Context) -> Iterator[str]:
    yield f"## `{context.command_path}`\n\n```text\n{context.get_help()}\n```\n"
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _sections(
                click.Context(command, context, name, max_content_width=96, terminal_width=96)
            )


if __name__ == "__main__":
    PAGE.write_text(render())
    sys.exit(0)
