"""Finds providers by name: the files of ``providers/``, and what other packages announce."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any

from . import providers
from .errors import ProviderNotFound, UsageError
from .model import Model
from .provider import AsyncGeneratorProvider

__all__ = ["find", "names"]

GROUP = "aiodynaspark.providers"
"""The entry-point group in which other packages announce provider classes."""


def names() -> list[str]:
    """The names of all providers, sorted; none of them is imported for it."""
    return sorted({*_own(), *_announced()})


def find(name: str, **options: Any) -> Model:
    """Return the model that a name stands for: ``"provider"`` or ``"provider:model"``.

    Args:
        name: such as ``"echo"`` or ``"dynaspark:gemini-2.0-flash"``.
        **options: passed with every ask of the model.

    Raises:
        ProviderNotFound: no provider of that name is installed.
    """
    provider, _, model = name.partition(":")
    return Model(_provider(provider), model, options)


def _provider(name: str) -> type[AsyncGeneratorProvider]:
    if name in _own():
        return _class_in(f"{providers.__name__}.{name}")
    if (announced := _announced().get(name)) is not None:
        loaded = announced.load()
        if isinstance(loaded, type) and issubclass(loaded, AsyncGeneratorProvider):
            return loaded
        raise UsageError(
            f"The entry point {announced.value} of {GROUP} is no provider class; "
            "correct it in the package that announces it."
        )
    raise ProviderNotFound(f"There is no provider {name!r}; there are {', '.join(names())}.")


def _own() -> set[str]:
    return {module.name for module in iter_modules(providers.__path__)}


def _announced() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _class_in(module_name: str) -> type[AsyncGeneratorProvider]:
    """The provider that a module defines."""
    for value in vars(import_module(module_name)).values():
        if (
            isinstance(value, type)
            and issubclass(value, AsyncGeneratorProvider)
            and value.__module__ == module_name
        ):
            return value
    raise ProviderNotFound(f"The file {module_name} defines no provider class.")
