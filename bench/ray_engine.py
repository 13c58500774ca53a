"""Rows per second of a batch: from this process, from a Ray cluster, and by Ray Data's HTTP stage.

    python -m bench.ray_engine [ROWS [WORKERS]]

One server, in a process of its own, answers each chat completion after 50 ms and notes when it was
asked. A rate is that of the requests between the first and the last, so that the start of Ray and
of its actors counts for nobody. Ray Data's stage gets fewer rows, since it is so much slower. It
needs the extra ``ray`` and pydantic, which ``ray.data.llm`` imports.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import sys
import tempfile
import time
from collections import defaultdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiodynaspark import registry
from aiodynaspark.batch import run
from aiodynaspark.batch_ray import cluster
from aiodynaspark.batch_ray import run as run_on_ray

ANSWER_AFTER = 0.05
ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "four"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


LENGTH = re.compile(rb"(?i)\ncontent-length: (\d+)")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Server:
    """Answers after 50 ms, at so little cost that it is nobody's limit; knows when it was asked."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        later = asyncio.get_running_loop().call_later
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                who = head.split(b"/", 2)[1].split()[0].decode()
                if head.startswith(b"GET"):
                    writer.write(_answer(b"%f" % self.rate(who)))
                    break
                self.times[who].append(time.perf_counter())
                await reader.readexactly(int(LENGTH.search(head)[1]))  # type: ignore[index]
                later(ANSWER_AFTER, writer.write, _answer(ANSWER))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def rate(self, who: str) -> float:
        times = self.times[who]
        return (len(times) - 1) / (times[-1] - times[0])

    async def serve(self, told: Connection) -> None:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=1024)
        told.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()


def _answer(body: bytes) -> bytes:
    return HEAD % len(body) + body


def serve(told: Connection) -> None:
    asyncio.run(Server().serve(told))


async def rate(url: str, who: str) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(f"GET /{who} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    return float(said.rpartition(b"\r\n")[2])


def model(url: str, who: str) -> Any:
    return registry.find("openai:m", base_url=f"{url}/{who}/v1")


def by_ray_data(ray: Any, url: str, rows: int, workers: int) -> None:
    from ray.data.llm import HttpRequestProcessorConfig, build_processor

    config = HttpRequestProcessorConfig(
        url=f"{url}/data/v1/chat/completions", concurrency=(workers, workers), batch_size=64
    )

    def payload(row: dict[str, Any]) -> dict[str, Any]:
        said = {"role": "user", "content": f"question {row['id']}"}
        return {"payload": {"model": "m", "messages": [said]}}

    stage = build_processor(config, preprocess=payload)
    stage(ray.data.range(rows, override_num_blocks=workers)).materialize()


async def measure(url: str, rows: int, workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        prompts = [f"question {number}" for number in range(rows)]
        await run(prompts, model(url, "local"), out=here / "local.jsonl")
        ray = cluster.load()
        # Ray Data's actors want a CPU each, and its other stages one more.
        ray.init(num_cpus=workers + 2, _node_ip_address=cluster.LOOPBACK, include_dashboard=False)
        out = here / "ray.jsonl"
        await run_on_ray(prompts, model(url, "ray"), out=out, workers=workers)
        await asyncio.to_thread(by_ray_data, ray, url, max(100, rows // 50), workers)
        ray.shutdown()
    return {who: await rate(url, who) for who in ("local", "ray", "data")}


def main() -> None:
    rows, workers, *_ = [*map(int, sys.argv[1:]), *(10_000, 2)[len(sys.argv) - 1 :]]
    told, tells = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(tells,), daemon=True)
    server.start()
    rates = asyncio.run(measure(told.recv(), rows, workers))
    server.terminate()
    for who, found in rates.items():
        print(f"{who:6} {found:8,.1f} rows/s")
    print(f"ray / local {rates['ray'] / rates['local']:.2f} (at least 0.7)")
    print(f"ray / data  {rates['ray'] / rates['data']:.1f} (at least 50)")


if __name__ == "__main__":
    main()
