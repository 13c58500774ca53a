"""``dynaspark pull``: fetch the embedded model ahead."""

from __future__ import annotations

import click


@click.command()
def pull() -> None:
    """Fetch the embedded model's weights ahead, to work offline from then on."""
    from ..local import weights
    from .progress import downloading

    with downloading() as progress:
        path = weights.provide(progress=progress)
    click.echo(path)
