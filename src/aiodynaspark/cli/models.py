"""``dynaspark models``: what can be asked."""

from __future__ import annotations

import click

from .parameters import complete_provider


@click.command()
@click.argument("provider", required=False, shell_complete=complete_provider)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def models(provider: str | None, as_json: bool) -> None:
    """List what -m takes: PROVIDER:MODEL, each provider's default first."""
    import json

    from .. import registry

    chosen = [provider] if provider else registry.names()
    listed = {name: _models_of(name) for name in chosen}
    if as_json:
        click.echo(json.dumps(listed, indent=2))
        return
    for name, found in listed.items():
        for model in found or [""]:
            click.echo(f"{name}:{model}" if model else name)


def _models_of(name: str) -> list[str]:
    from .. import registry
    from ..provider import ProviderModelMixin

    provider = registry.find(name).provider
    return provider.get_models() if issubclass(provider, ProviderModelMixin) else []
