"""Other projects' programs, run in an environment of their own against a server of the test.

``DYNASPARK_CLIENTS_ENV`` names that environment's python; without it, it is
``.venv-clients/bin/python`` in the repository's root, which ``make_env.py`` makes.
"""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted
from upstream import Upstream, answer, upstream

from aiodynaspark import Model, registry
from aiodynaspark.providers.openai import OpenAI
from aiodynaspark.server import Catalog, running

DEFAULT = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"

# Read before the tests' environment is made plain.
CHOSEN = os.environ.get("DYNASPARK_CLIENTS_ENV")

Run = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture(scope="session")
def python() -> Path:
    """The python that has the clients."""
    path = Path(CHOSEN or DEFAULT).absolute()
    if not path.exists():
        pytest.fail(f"{path} is missing; make it with: python tests/clients/make_env.py")
    return path


@pytest.fixture
async def upstream_server() -> AsyncIterator[Upstream]:
    """An endpoint of OpenAI's kind, whose answers a test scripts."""
    async with upstream(answer("{}")) as server:
        yield server


@pytest.fixture
async def url(upstream_server: Upstream) -> AsyncIterator[str]:
    """Our server, with the models ``echo``, ``scripted`` and ``gateway``."""
    Scripted.chunks, Scripted.asked = [], []
    gateway = Model(OpenAI, "real", {"base_url": upstream_server.url, "retries": 0})
    models = {"echo": registry.find("echo"), "scripted": Model(Scripted), "gateway": gateway}
    async with running(Catalog(models)) as address:
        yield address


@pytest.fixture
def run(python: Path, url: str, tmp_path: Path) -> Run:
    """Run a program, or a text as a Python program; return what it prints.

    The program finds the server's address in ``URL``, and nothing of the tests' own environment.
    """
    environment = {
        "HOME": str(tmp_path),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the internet at import
        "LLM_USER_PATH": str(tmp_path),
        "NO_PROXY": "*",
        "OPENAI_API_KEY": "sk-unused",
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
        "URL": url,
    }

    async def run(*command: str, stdin: bytes = b"") -> str:
        if len(command) == 1:
            command = (str(python), "-c", textwrap.dedent(command[0]))
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=tmp_path
        )
        try:
            out, err = await program.communicate(stdin)
        finally:
            if program.returncode is None:
                program.kill()
        assert program.returncode == 0, err.decode()
        return out.decode()

    return run


@pytest.fixture
def ask_openai(run: Run) -> Run:
    """Run a text as a Python program that has openai's ``client``; what it prints is JSON."""

    async def ask(program: str) -> Any:
        head = "import json, os, openai\n"
        head += "client = openai.OpenAI(base_url=os.environ['URL'] + '/v1', max_retries=0)\n"
        return json.loads(await run(head + textwrap.dedent(program)))

    return ask
