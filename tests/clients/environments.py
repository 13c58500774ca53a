"""The environments in which other projects' packages are installed, and scripts run in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent

_CHOSEN = {name: os.environ.get(f"DYNASPARK_{name.upper()}_ENV") for name in ("clients", "g4f")}
"""Read ahead, since no test sees the settings of whoever runs it."""


def python_of(name: str) -> Path:
    """The interpreter of an environment: DYNASPARK_CLIENTS_ENV, DYNASPARK_G4F_ENV or .venv-NAME."""
    python = Path(_CHOSEN[name] or ROOT / f".venv-{name}" / "bin" / "python")
    suffix = "" if name == "clients" else f"-{name}"
    if not python.exists():
        pytest.fail(
            f"{python} is missing; make it: python3 -m venv .venv-{name} && "
            f".venv-{name}/bin/pip install -e . -r tests/clients/requirements{suffix}.txt"
        )
    return python


def run(name: str, *arguments: object, home: Path, text: str = "", **settings: str) -> str:
    """Run a program of an environment, or else a script or module by its interpreter.

    It sees this source tree and a home directory of its own, and it has to end well.

    Args:
        name: the environment, ``clients`` or ``g4f``.
        *arguments: the name of a program in the environment's ``bin``, or what ``python`` takes.
        home: where it may write.
        text: its standard input.
        **settings: further environment variables.
    """
    python = python_of(name)
    program = python.parent / str(arguments[0])
    command = [program, *arguments[1:]] if program.is_file() else [python, *arguments]
    done = subprocess.run(
        [str(part) for part in command],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(TESTS)]),
            "HOME": str(home),
            **settings,
        },
        cwd=home,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for complaint in ("ResourceWarning", "RuntimeWarning", "never retrieved", "Unclosed"):
        assert complaint not in done.stderr, done.stderr
    return done.stdout
