"""A model on its way to another machine: where to find its class, and by what name its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from .. import settings
from ..errors import UsageError
from ..model import Model

if TYPE_CHECKING:
    from ..provider import AsyncGeneratorProvider

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


@dataclass(frozen=True)
class Parcel:
    """A model without its key.

    Attributes:
        module: where the provider's class stands.
        provider: the class's name there.
        name: the model's name.
        options: for the provider.
        key: the variable that holds the key on each node; "" where there is no key.
    """

    module: str
    provider: str
    name: str
    options: dict[str, Any] = field(repr=False)
    key: str = ""


def pack(model: Model) -> Parcel:
    """Make a model ready to travel.

    Raises:
        UsageError: it cannot travel, or its key stands in no variable.
    """
    if type(model) is not Model:
        raise UsageError(
            f"A {type(model).__name__} lives in one process and cannot travel to a cluster; "
            "give a Model of a provider, a name and options."
        )
    options = {name: value for name, value in model.options.items() if value is not None}
    key = options.pop("api_key", None)
    _check_options(options)
    _check_class(model.provider)
    where = model.provider.__module__, model.provider.__qualname__
    return Parcel(*where, model.name, options, _variable(key) if key else "")


def unpack(parcel: Parcel) -> Model:
    """Make the model again, with the key that this node has.

    Raises:
        UsageError: the key's variable is not set here.
    """
    options = dict(parcel.options)
    if parcel.key:
        options["api_key"] = settings.held_by(parcel.key)
        if options["api_key"] is None:
            raise UsageError(
                f"{parcel.key} is not set on a node of the cluster; set it on each node before "
                "`ray start` runs there."
            )
    provider = attrgetter(parcel.provider)(import_module(parcel.module))
    return Model(provider, parcel.name, options)


def _variable(key: str) -> str:
    variable = settings.variable_holding(key)
    if variable is None:
        raise UsageError(
            "A key never travels to a cluster; set it as a variable such as DYNASPARK_API_KEY, "
            "here and on each node."
        )
    return variable


def _check_options(options: dict[str, Any]) -> None:
    if SECRET_HEADERS & {str(name).lower() for name in options.get("headers") or ()}:
        raise UsageError("A header with a key cannot travel to a cluster; use the api_key option.")
    if "@" in str(options.get("proxy") or ""):
        raise UsageError(
            "A proxy with a password cannot travel to a cluster; set HTTPS_PROXY on each node."
        )
    try:
        msgspec.json.encode(options)
    except TypeError:
        raise UsageError(
            "The model has an option that cannot travel to a cluster; options have to be plain "
            "texts, numbers and lists."
        ) from None


def _check_class(provider: type[AsyncGeneratorProvider]) -> None:
    try:
        found = attrgetter(provider.__qualname__)(import_module(provider.__module__))
    except (ImportError, AttributeError):
        found = None
    if found is not provider or provider.__module__ == "__main__":
        raise UsageError(
            f"The provider {provider.__name__} stands in no module that a worker can import; "
            "put it into a package that is installed on each node."
        )
