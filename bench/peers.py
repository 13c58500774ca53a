"""Peers in environments of their own, installed by package name when they are first needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import platformdirs

CACHE = Path(platformdirs.user_cache_dir("dynaspark-bench", appauthor=False))


class MissingPeerError(Exception):
    """A peer cannot be had here."""


def python_with(name: str, *packages: str) -> str:
    """The interpreter of an environment that holds packages.

    Raises:
        MissingPeerError: they cannot be installed.
    """
    folder = CACHE / name
    python = folder / "bin" / "python"
    done, wanted = folder / "installed", "\n".join(packages)
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", *packages)
        done.write_text(wanted)
    return str(python)


def program(name: str) -> str:
    """A program of this machine.

    Raises:
        MissingPeerError: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise MissingPeerError(f"{name} is not installed on this machine")
    return found


def installed() -> str:
    """The packages after which the environments here are called, each with its version."""
    found = []
    for site in sorted(CACHE.glob("*/lib/python*/site-packages")):
        name = site.relative_to(CACHE).parts[0]
        found += [f"{name} {one.version}" for one in distributions(name=name, path=[str(site)])]
    return ", ".join(found)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingPeerError(f"{command[0]} {command[1]} {command[2]}: {last}")
    return done.stdout
