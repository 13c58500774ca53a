"""What the server counts and logs."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from raw import connect, get, hang_up, post, say, until
from upstream import answer, hold, upstream

from aiodynaspark import Model, registry
from aiodynaspark.providers.dynaspark import Dynaspark
from aiodynaspark.server import Catalog, Policy, running
from aiodynaspark.server.access_log import Entry, JsonLines
from aiodynaspark.server.prometheus import Histogram, render_number

ENTRY = Entry("POST", "/generate_response", 200, "echo", 0.0125, 37, "req-1")


@asynccontextmanager
async def serving(far: str = "") -> AsyncIterator[str]:
    models = {"echo": registry.find("echo"), "far": Model(Dynaspark, "", {"url": far})}
    async with running(Catalog(models), policy=Policy(drain=0)) as url:
        yield url


def figures(text: bytes) -> dict[str, float]:
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def labelled(name: str, **labels: str) -> str:
    named = {"gen_ai_operation_name": "chat", **labels}.items()
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in named) + "}"


class TestHistogram:
    def test_buckets_are_cumulative_and_bounds_belong_to_them(self) -> None:
        histogram = Histogram("h", "About.", (1, 2.5))
        for value in (0.5, 1, 1.1, 9):
            histogram.observe(value, (("a", "b"),))
        assert "".join(histogram.render()) == (
            "# HELP h About.\n# TYPE h histogram\n"
            'h_bucket{a="b",le="1"} 2\nh_bucket{a="b",le="2.5"} 3\nh_bucket{a="b",le="+Inf"} 4\n'
            'h_sum{a="b"} 11.6\nh_count{a="b"} 4\n'
        )

    def test_a_label_cannot_break_out(self) -> None:
        histogram = Histogram("h", "About.", ())
        histogram.observe(math.pi, (("a", 'b"} 1\n\\'),))
        assert 'h_count{a="b\\"} 1\\n\\\\"} 1\n' in "".join(histogram.render())

    def test_a_number_stands_alone(self) -> None:
        lines = "".join(render_number("n", "About.", "gauge", 2.0))
        assert lines == "# HELP n About.\n# TYPE n gauge\nn 2\n"


class TestMetrics:
    async def test_answers_are_counted_by_the_catalogs_names(self) -> None:
        async with serving() as url:
            await say(url, post(b"user_input=hello&ai_model=echo"))
            await say(url, post(b"user_input=hello&ai_model=made-up-by-a-client"))
            await say(url, get("/made-up-by-a-client"))
            said = await say(url, get("/metrics"))
        assert said.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"made-up" not in said.body
        counted = figures(said.body)
        for name in ("request_duration", "time_to_first_token"):
            name = f"gen_ai_server_{name}_seconds_count"
            assert counted[labelled(name, gen_ai_request_model="echo")] == 2
        assert counted["dynaspark_requests_in_flight"] == 0
        assert counted["dynaspark_retry_budget_left"] == 100

    async def test_failures_and_retries_are_counted(self) -> None:
        failing = answer("no", status=500, retry_after_ms="1")
        async with upstream(failing) as server, serving(server.url) as url:
            said = await say(url, post(b"user_input=hello&ai_model=far"))
            counted = figures((await say(url, get("/metrics"))).body)
        assert said.status == 502
        name = "gen_ai_server_request_duration_seconds_count"
        assert counted[labelled(name, gen_ai_request_model="far", error_type="502")] == 1
        assert counted["dynaspark_upstream_retries_total"] == 2
        assert counted["dynaspark_retry_budget_left"] == 90


class TestLog:
    def test_a_line_for_people(self) -> None:
        assert str(ENTRY) == "POST /generate_response 200 echo 12 ms 37 B req-1"
        assert str(Entry("GET", "", 404, "", 0, 0, "req-2")) == "GET - 404 0 ms 0 B req-2"

    def test_a_line_for_programs(self) -> None:
        record = logging.LogRecord("n", logging.INFO, "", 0, "%s", (ENTRY,), None)
        line = json.loads(JsonLines().format(record))
        assert line.pop("time").endswith("+00:00")
        assert line == {
            "level": "info",
            "logger": "n",
            "method": "POST",
            "route": "/generate_response",
            "status": 200,
            "model": "echo",
            "seconds": 0.0125,
            "sent": 37,
            "request_id": "req-1",
        }

    async def test_each_request_has_one(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "aiodynaspark.access")
        async with serving() as url:
            answered = await say(url, post(b"user_input=hello"))
            await say(url, get("/nothing?secret", "X-Request-Id: mine"))
            await say(url, get("/health", host="evil.example"))
        lines = [
            record.getMessage().split(" ms ")[0].rpartition(" ")[0] for record in caplog.records
        ]
        names = [record.getMessage().rpartition(" ")[2] for record in caplog.records]
        assert names[:2] == [answered.headers["x-request-id"], "mine"]
        assert lines == ["POST /generate_response 200 echo", "GET - 404", "GET /health 421"]

    async def test_also_one_whose_client_left(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "aiodynaspark.access")
        async with upstream(hold()) as server, serving(server.url) as url:
            _, writer = await connect(url)
            writer.write(post(b"user_input=hello&ai_model=far"))
            await until(lambda: server.seen)
            await hang_up(writer)
            await until(lambda: caplog.records)
        assert "499 far" in caplog.text

    @pytest.mark.parametrize("option", [[], ["--log-json"], ["--no-access-log"]])
    async def test_the_command_logs_to_stderr(self, option: list[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aiodynaspark", "serve", "--provider", "echo", "--port", "0"),
            *option,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        url = (await process.stderr.readline()).decode().split(" at ")[1].split()[0]
        await say(url, post(b"user_input=pr0mpt"))
        if option == ["--no-access-log"]:
            process.terminate()
            assert await process.communicate() == (None, b"")
            return
        line = (await process.stderr.readline()).decode()
        process.terminate()
        _, rest = await process.communicate()
        assert "pr0mpt" not in line + rest.decode()
        if option:
            assert json.loads(line)["route"] == "/generate_response"
        else:
            assert line.startswith("POST /generate_response 200 echo ")
