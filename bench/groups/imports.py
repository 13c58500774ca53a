"""What it takes to start: imports and the command line's help, in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from ..processes import MEASURED, ROOT
from ..results import OURS, Goal
from ..run import Column

if TYPE_CHECKING:
    from ..run import Measure, Run

REPEATS = 5


def starting(*arguments: str, over: tuple[str, ...] = ()) -> Measure:
    """Milliseconds until an interpreter is through, over those of another start if named."""

    def measure() -> dict[str, float]:
        taken = min(_start(arguments) for _ in range(REPEATS))
        return {"ms": taken - (min(_start(over) for _ in range(REPEATS)) if over else 0)}

    return measure


def _start(arguments: tuple[str, ...]) -> float:
    command = ["taskset", "-c", str(MEASURED), sys.executable, *arguments]
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return (time.perf_counter() - start) * 1000


def run(run: Run) -> None:
    columns = [Column("ms", "", "ms", Goal(1.15, 1.05, "import aiohttp"))]
    measures = {
        OURS: starting("-c", "from aiodynaspark import Dynaspark"),
        "import aiohttp": starting("-c", "import aiohttp"),
    }
    run.compare("import", "from aiodynaspark import Dynaspark", measures, columns)
    measures = {
        OURS: starting("-c", "import aiodynaspark.providers.dynaspark, aiodynaspark.transport"),
        "import aiohttp": starting("-c", "import aiohttp"),
    }
    run.compare("import", "with what its first call loads", measures, columns)
    columns = [Column("ms", "", "ms", Goal(50, 25))]
    measures = {OURS: starting("-c", "import aiodynaspark", over=("-c", "pass"))}
    run.compare("import", "import aiodynaspark, over bare Python", measures, columns)
    measures = {
        OURS: starting("-m", "aiodynaspark", "--help"),
        "import click": starting("-c", "import click"),
    }
    run.compare("import", "dynaspark --help", measures, [Column("ms", "", "ms")])
