"""Which models a server answers from: those of the options, or those of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import settings
from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..model import Model


def served_models(
    provider: str, named: tuple[str, ...] = (), config: Path | None = None
) -> dict[str, Model]:
    """The models by their names, the default first.

    Args:
        provider: what to serve where nothing else is named.
        named: ``NAME=PROVIDER[:MODEL]``, several of them with commas to fall back on.
        config: a file with further models.

    Raises:
        UsageError: a provider or the file is not as it has to be.
    """
    from .. import registry

    models = dict(_named(entry) for entry in named)
    if config is not None:
        models |= configured(settings.read_config(config))
    if models:
        return models
    model = registry.find(provider)
    return {model.label: model}


def configured(tables: Mapping[str, settings.ModelSettings]) -> dict[str, Model]:
    """The models of a file, by their names.

    Raises:
        UsageError: a provider is missing, or a fallback list names what is no model.
    """
    from .. import registry

    single = {
        name: registry.find(table.provider, **table.options)
        for name, table in tables.items()
        if not table.fallback
    }
    return {
        name: _fallback(_members(name, table.fallback, single)) if table.fallback else single[name]
        for name, table in tables.items()
    }


def _members(name: str, fallback: tuple[str, ...], single: Mapping[str, Model]) -> list[Model]:
    unknown = [member for member in fallback if member not in single]
    if unknown:
        raise UsageError(
            f"The fallback list of {name} names {unknown[0]}, which is no model with a provider."
        )
    return [single[member] for member in fallback]


def _named(entry: str) -> tuple[str, Model]:
    from .. import registry

    name, _, targets = entry.partition("=")
    found = targets.split(",")
    if not name or not all(found):
        raise click.BadParameter(
            f"{entry!r} is not NAME=PROVIDER[:MODEL], such as small=local.", param_hint="--model"
        )
    return name, _fallback(registry.find(target) for target in found)


def _fallback(models: Iterable[Model]) -> Model:
    from ..fallback import Fallback

    several = list(models)
    return several[0] if len(several) == 1 else Fallback.of(several)
