"""``dynaspark serve``: answer over HTTP from any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import settings

if TYPE_CHECKING:
    from ..model import Model


@click.command()
@click.option("--provider", default="local", show_default=True, help="Serve its default model.")
@click.option(
    "--model",
    "named",
    multiple=True,
    metavar="NAME=PROVIDER[:MODEL]",
    help="Serve a model under a name; the first one is the default. May be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=settings.DEFAULT_PORT, show_default=True, help="0: any free one.")
def serve(provider: str, named: tuple[str, ...], host: str, port: int) -> None:
    """Answer the Dynaspark wire, from the embedded model or any other."""
    import asyncio

    from ..server import Catalog, run

    catalog = Catalog(_models(provider, named))

    def started(url: str) -> None:
        click.echo(f"Serving {', '.join(catalog.names())} at {url} (Ctrl-C stops)", err=True)

    asyncio.run(run(catalog, host=host, port=port, started=started))


def _models(provider: str, named: tuple[str, ...]) -> dict[str, Model]:
    from .. import registry

    if named:
        return dict(_named(entry) for entry in named)
    model = registry.find(provider)
    return {model.label: model}


def _named(entry: str) -> tuple[str, Model]:
    from .. import registry

    name, equals, target = entry.partition("=")
    if not (name and equals and target):
        raise click.BadParameter(
            f"{entry!r} is not NAME=PROVIDER[:MODEL], such as small=local.", param_hint="--model"
        )
    return name, registry.find(target)
