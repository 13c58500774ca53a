"""The options that several commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


def beginning_with(typed: str, names: Iterable[str]) -> list[str]:
    """The names that a shell may complete."""
    return [name for name in names if name.startswith(typed)]


def complete_provider(_: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Complete a provider's name."""
    from .. import registry

    return beginning_with(typed, registry.names())


model_option = click.option(
    "-m",
    "--model",
    default="",
    shell_complete=complete_provider,
    help="PROVIDER[:MODEL], or a name the server knows.",
)
system_option = click.option(
    "-s", "--system", default="", help="What the model is told beforehand."
)
url_option = click.option(
    "--url",
    help="The server to ask: its base, or the endpoint itself. DYNASPARK_API_KEY holds its key.",
)
continue_option = click.option(
    "-c",
    "--continue",
    "latest",
    is_flag=True,
    help="Continue the last conversation, with its model.",
)
cid_option = click.option("--cid", metavar="ID", help="Continue a certain conversation.")
no_log_option = click.option("-n", "--no-log", is_flag=True, help="Keep nothing of it.")
