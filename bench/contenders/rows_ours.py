"""A batch of ours: from this process, or from the workers of a Ray cluster."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from aiodynaspark import batch, registry


async def measure(job: dict[str, Any]) -> dict[str, float]:
    """Ask about ``rows`` prompts; the rate is that of the whole run."""
    model = registry.find(job["provider"], **{job["option"]: job["url"]})
    settings: dict[str, Any] = {"concurrency": job.get("at_once")}
    engine = batch.run
    if workers := job.get("workers"):
        from aiodynaspark import batch_ray

        engine, settings["workers"] = batch_ray.run, workers
    with tempfile.TemporaryDirectory() as place:
        prompts = [f"question {number}" for number in range(job["rows"])]
        start, cpu = time.perf_counter(), time.process_time()
        tally = await engine(prompts, model, out=Path(place, "out.jsonl"), **settings)
        seconds, spent = time.perf_counter() - start, time.process_time() - cpu
    assert (tally.answered, tally.failed) == (job["rows"], 0)
    return {"rate": job["rows"] / seconds, "cpu": spent / job["rows"] * 1e6}
