"""``dynaspark logs``: the conversations that are kept on this machine."""

from __future__ import annotations

import time

import click


@click.group(invoke_without_command=True)
@click.pass_context
def logs(context: click.Context) -> None:
    """List, show or stop keeping conversations."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@logs.command("list")
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many, the latest first.",
)
def list_(number: int = 20) -> None:
    """List conversations: id, time, model, beginning."""
    from .record import history
    from .show import say

    kept = history().conversations(number)
    if not kept:
        click.echo("No conversation is kept yet.", err=True)
    for found in kept:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.changed))
        say(f"{found.id}  {when}  {found.model}  {found.title}")


@logs.command()
@click.argument("conversation", required=False)
def show(conversation: str | None) -> None:
    """Print a conversation, the latest one where none is named."""
    from .record import continued
    from .show import say

    for turn in continued(conversation, latest=True).turns:
        say(f"{turn['role']}: {turn['content']}\n")


@logs.command()
def path() -> None:
    """Print where conversations are kept."""
    from .record import history

    click.echo(history().path)


@logs.command()
def off() -> None:
    """Keep nothing from now on; what is there stays."""
    from .record import switch

    switch().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    switch().touch(mode=0o600)
    click.echo("Conversations are no longer kept; `dynaspark logs on` keeps them again.", err=True)


@logs.command()
def on() -> None:
    """Keep conversations again."""
    from .record import switch

    switch().unlink(missing_ok=True)
    click.echo("Conversations are kept; `dynaspark logs off` stops that.", err=True)
