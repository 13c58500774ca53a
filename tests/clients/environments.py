"""The environments in which other projects' packages are installed, and what is run in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent

CHOSEN = {
    name.removeprefix("DYNASPARK_").removesuffix("_ENV").lower(): Path(value)
    for name, value in os.environ.items()
    if name.startswith("DYNASPARK_") and name.endswith("_ENV")
}
"""Interpreters by the names of environments; read ahead, since no test sees the settings."""


def python_of(name: str) -> Path:
    """The interpreter of an environment: ``DYNASPARK_{NAME}_ENV``, else that of ``.venv-NAME``."""
    python = CHOSEN.get(name, ROOT / f".venv-{name}" / "bin" / "python")
    if not python.exists():
        pytest.fail(
            f"{python} is missing; make it: python3 -m venv .venv-{name} && "
            f".venv-{name}/bin/pip install -e . -r tests/clients/requirements-{name}.txt"
        )
    return python


def run(
    name: str, *arguments: object, home: Path, code: int = 0, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run one of an environment's programs, or its interpreter, over this source tree.

    Args:
        name: the environment.
        *arguments: the name of a program in its ``bin``, or else what ``python`` takes.
        home: the directory where it runs and may write.
        code: what it has to exit with.
        **settings: further environment variables.
    """
    done = subprocess.run(
        command(name, *arguments),
        env=environment(home, **settings),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    for complaint in ("ResourceWarning", "Exception in", "RuntimeWarning", "Unclosed"):
        assert complaint not in done.stderr, done.stderr
    return done


def command(name: str, *arguments: object) -> list[str]:
    """The command line that ``run`` runs."""
    python = python_of(name)
    program = python.parent / str(arguments[0])
    words = [program, *arguments[1:]] if program.is_file() else [python, *arguments]
    return [str(word) for word in words]


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Environment variables for a program: this source tree, a home of its own, no more."""
    path = os.pathsep.join([str(ROOT / "src"), str(TESTS)])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOME": str(home), **settings}


@contextmanager
def echo_server() -> Iterator[str]:
    """Run ``dynaspark serve`` with the provider echo; yields its base URL."""
    serve = [sys.executable, "-m", "aiodynaspark", "serve", "--provider", "echo", "--port", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        yield server.stderr.readline().split(" at ")[1].split()[0]
        server.terminate()
