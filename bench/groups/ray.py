"""A batch from two workers of a Ray cluster, against this process and Ray Data's own HTTP stage.

One server answers each of them after 50 ms. Ray is started once and the rate is what the server saw
between the first request and the last, so that no start counts. Ray Data's stage gets fewer rows,
since it is so much slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import peers
from ..processes import ROOT
from ..results import OURS, Goal
from ..run import Column, asking

if TYPE_CHECKING:
    from ..run import Run

LOCAL, DATA = "the local engine", "Ray Data's HTTP stage"
ROWS, FEWER, ACTORS = 10_000, 200, 2
PACKAGES = ("-c", str(ROOT / "constraints.txt"), f"{ROOT}[ray]", "pydantic")
"""Ray Data's stage wants pydantic; ours is taken from the tree, whatever was installed with it."""


def run(run: Run) -> None:
    python = run.wanted(DATA, lambda: peers.python_with("ray", *PACKAGES))
    if python is None:
        return
    with run.worker("rows_on_ray", python, core=None, quiet=True) as worker:

        def job(who: str, rows: int, **more: Any) -> Any:
            url = f"{run.upstream()}/late-50/{who}/v1"
            wire = {"provider": "openai:m", "option": "base_url", "url": url}
            common = {"do": "measure", "server": run.upstream(), "actors": ACTORS, **wire}
            return asking(worker, {**common, "who": who, "rows": rows, **more})

        measures = {
            OURS: job("ours", ROWS, workers=ACTORS),
            LOCAL: job("local", ROWS),
            DATA: job("data", FEWER),
        }
        goals = [Goal(50, 65, DATA), Goal(0.7, 0.9, LOCAL)]
        columns = [Column("rate", "", "rows/s", *goals, more=True)]
        run.compare("ray", f"{ACTORS} workers, a server of 50 ms", measures, columns)
