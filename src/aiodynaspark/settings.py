"""The only reader of the environment and of ``config.toml``; nothing is read ahead."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import UsageError

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


def environment(**changes: str) -> dict[str, str]:
    """The environment for a process that we start: the user's own, with changes."""
    return {**os.environ, **changes}


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
