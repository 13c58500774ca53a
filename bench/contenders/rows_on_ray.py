"""A batch with Ray, which is started once: by our engine, or by Ray Data's own HTTP stage."""

from __future__ import annotations

import asyncio
from typing import Any

from aiodynaspark.batch_ray import cluster

from ..upstream import rate
from . import rows_ours

SPARE = 2
"""Ray Data's actors want a CPU each, and its other stages one more."""


async def measure(job: dict[str, Any]) -> dict[str, float]:
    """Ask about ``rows`` prompts; the rate is what the server saw, so that no start counts."""
    ray = cluster.load()
    if not ray.is_initialized():
        settings = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
        cpus = job["actors"] + SPARE
        where = {"address": "local", "_node_ip_address": cluster.LOOPBACK}
        ray.init(num_cpus=cpus, **where, **settings)
    if job["who"] == "data":
        await asyncio.to_thread(by_ray_data, ray, job)
    else:
        await rows_ours.measure(job)
    return {"rate": await asyncio.to_thread(rate, job["server"], job["who"])}


def by_ray_data(ray: Any, job: dict[str, Any]) -> None:
    from ray.data.llm import HttpRequestProcessorConfig, build_processor

    actors = job["actors"]
    config = HttpRequestProcessorConfig(
        url=f"{job['url']}/chat/completions", concurrency=(actors, actors), batch_size=64
    )

    def payload(row: dict[str, Any]) -> dict[str, Any]:
        said = {"role": "user", "content": f"question {row['id']}"}
        return {"payload": {"model": "m", "messages": [said]}}

    ray.data.DataContext.get_current().enable_progress_bars = False
    stage = build_processor(config, preprocess=payload)
    stage(ray.data.range(job["rows"], override_num_blocks=actors)).materialize()


async def close() -> None:
    cluster.load().shutdown()
