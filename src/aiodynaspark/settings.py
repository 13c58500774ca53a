"""The only reader of the environment and of ``config.toml``; nothing is read ahead."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_PORT = 8317
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
"""The server that ``dynaspark serve`` starts."""


def server_url() -> str:
    """The Dynaspark server to ask: ``DYNASPARK_URL``, else our own on this machine."""
    return configured_url() or DEFAULT_URL


def configured_url() -> str | None:
    """``DYNASPARK_URL`` where it is set, without a trailing slash."""
    return os.environ.get("DYNASPARK_URL", "").strip().rstrip("/") or None


def api_key() -> str | None:
    """``DYNASPARK_API_KEY`` where it is set."""
    return os.environ.get("DYNASPARK_API_KEY") or None


def server_key() -> str | None:
    """``DYNASPARK_SERVER_KEY`` where it is set: a key that our own server takes."""
    return os.environ.get("DYNASPARK_SERVER_KEY") or None


def openai_base_url() -> str | None:
    """``OPENAI_BASE_URL`` where it is set, without a trailing slash."""
    return os.environ.get("OPENAI_BASE_URL", "").strip().rstrip("/") or None


def openai_api_key() -> str | None:
    """``OPENAI_API_KEY`` where it is set."""
    return os.environ.get("OPENAI_API_KEY") or None


def ray_address() -> str | None:
    """``RAY_ADDRESS`` where it is set: the Ray cluster to use."""
    return os.environ.get("RAY_ADDRESS", "").strip() or None


def variable_holding(value: str) -> str | None:
    """The name of a variable that holds a value, our own ones first; None where there is none."""
    found = [name for name, held in os.environ.items() if held == value]
    return min(found, key=lambda name: (not name.startswith("DYNASPARK_"), name), default=None)


def held_by(variable: str) -> str | None:
    """What a variable holds, where it is set."""
    return os.environ.get(variable) or None


def weights_file() -> Path | None:
    """``DYNASPARK_GGUF``: weights to use instead of the small model's own."""
    return _path("DYNASPARK_GGUF")


def projector_file() -> Path | None:
    """``DYNASPARK_MMPROJ``: what lets the weights of ``DYNASPARK_GGUF`` see pictures."""
    return _path("DYNASPARK_MMPROJ")


def threads() -> int | None:
    """``DYNASPARK_THREADS``: how many threads the embedded model computes with, where it is set.

    Raises:
        UsageError: it is set and no whole number above zero.
    """
    value = os.environ.get("DYNASPARK_THREADS", "").strip()
    if not value:
        return None
    if not value.isdecimal() or int(value) == 0:
        raise UsageError("DYNASPARK_THREADS has to be a whole number above zero.")
    return int(value)


def is_dumb_terminal() -> bool:
    """Whether ``TERM`` says that the terminal knows no escape sequences, or says nothing."""
    return os.environ.get("TERM", "") in ("", "dumb", "unknown")


def environment(**changes: str) -> dict[str, str]:
    """The environment for a process that we start: the user's own, with changes."""
    return {**os.environ, **changes}


@contextmanager
def defaults(**variables: str) -> Iterator[None]:
    """Set variables that the user has not set, while a library is loaded that reads them."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def cache_directory() -> Path:
    """Where fetched weights stay: ``DYNASPARK_CACHE``, else the user's cache directory."""
    chosen = _path("DYNASPARK_CACHE")
    if chosen:
        return chosen
    import platformdirs  # here: most programs never fetch weights

    return Path(platformdirs.user_cache_dir("dynaspark", appauthor=False))


def _path(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None


def proxies() -> dict[str, str]:
    """The proxy variables that are set, by their names in lower case (lower case wins)."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    found = {name: os.environ.get(name) or os.environ.get(name.upper()) for name in names}
    return {name: value for name, value in found.items() if value}


def data_directory() -> Path:
    """Where conversations stay: ``DYNASPARK_DATA``, else the user's data directory."""
    chosen = _path("DYNASPARK_DATA")
    if chosen:
        return chosen
    import platformdirs  # here: most programs keep no history

    return Path(platformdirs.user_data_dir("dynaspark", appauthor=False))


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What ``config.toml`` says about one model.

    Attributes:
        provider: ``PROVIDER`` or ``PROVIDER:MODEL``; empty where there are others to fall back on.
        fallback: names of other models in the file, to be asked in this order.
        options: for the provider.
    """

    provider: str = ""
    fallback: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_config(path: Path) -> dict[str, ModelSettings]:
    """Read the models of a ``config.toml`` by their names, in their order.

    A table ``[models.NAME]`` has ``provider`` and its options, or ``fallback``, a list of names.
    A key never stands in the file: ``api_key_env`` names the variable that holds it.

    Raises:
        UsageError: the file is missing or malformed, or a variable is not set.
    """
    import tomllib  # here: most programs read no such file

    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("models")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    if not isinstance(tables, dict) or not tables:
        raise UsageError(f"{path} names no model; add a table such as [models.small].")
    return {
        name: _model_settings(table, f"{path}: models.{name}") for name, table in tables.items()
    }


def _model_settings(table: Any, where: str) -> ModelSettings:
    if not isinstance(table, dict) or not ({"provider", "fallback"} & table.keys()):
        raise UsageError(f'{where} has to be a table with a provider, such as provider = "local".')
    options = dict(table)
    provider, fallback = options.pop("provider", ""), options.pop("fallback", [])
    if "api_key" in options:
        raise UsageError(f"{where} holds a key; name its variable instead, as api_key_env.")
    if not isinstance(provider, str) or not _are_names(fallback):
        raise UsageError(f"{where}: provider has to be a text, fallback a list of models' names.")
    if fallback and (provider or options):
        raise UsageError(f"{where} has a fallback list, and so nothing besides.")
    if "api_key_env" in options:
        options["api_key"] = _variable(options.pop("api_key_env"), where)
    return ModelSettings(provider, tuple(fallback), options)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _variable(name: Any, where: str) -> str:
    value = os.environ.get(name) if isinstance(name, str) else None
    if not value:
        raise UsageError(f"{where}: api_key_env names {name!r}, a variable that is not set.")
    return value
