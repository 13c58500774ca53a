"""What a run was about, kept beside its output, so that a later one goes on with the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import UsageError
from .jobs import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from ..model import Model

SETTINGS = OPTIONS | {"images", "packing"}
"""Options that decide an answer; where a model is reached, and with which key, is none of them."""


class Manifest(msgspec.Struct, frozen=True):
    """What a run's rows depend on.

    Attributes:
        input: digest of the input, decompressed.
        provider: the provider's name.
        model: the model's name.
        settings: what else decides an answer, as JSON.
    """

    input: str
    provider: str
    model: str
    settings: dict[str, Any]
    format: int = 1

    def differences(self, other: Manifest) -> list[str]:
        """Names of what is not the same in both."""
        return [
            name for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name)
        ]


def manifest_of(model: Model, *, digest: str, system: str) -> Manifest:
    """Describe a run of a model over an input."""
    settings = {
        name: value
        for name, value in model.options.items()
        if name in SETTINGS and value is not None
    }
    if system:
        settings["system"] = system
    plain = msgspec.json.decode(msgspec.json.encode(settings))
    return Manifest(digest, model.provider.__name__, model.label, plain)


def load(path: Path) -> Manifest | None:
    """Read the manifest of an earlier run; None where there is none.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            return msgspec.json.decode(file.read(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        raise UsageError(
            f"{path} is no manifest of a batch; move it and its output away."
        ) from None


def save(path: Path, manifest: Manifest) -> None:
    """Write a manifest that is there whole or not at all, whatever happens.

    Raises:
        OSError: the disk is full or broken.
    """
    aside = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(aside, flags, 0o666), "wb") as file:  # noqa: PTH123
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
