"""Every way in which a host can fail, as its caller sees it; and the faulty host itself."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from upstream import until

from aiodynaspark import Dynaspark, UsageError, errors
from aiodynaspark.cli import commands
from aiodynaspark.server.faults import PROFILES, Host, find
from aiodynaspark.server.faults.answers import TEXT, good_answer

SCRIPT = Path(__file__).parents[1] / "docs" / "errors.py"
HELLO = [{"role": "user", "content": "hello"}]
TIMEOUT = 4.0


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    """One run over all profiles, in a process of its own."""
    command = [sys.executable, "-W", "error", str(SCRIPT), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_outcome_is_typed_in_time_and_within_memory(run: dict[str, Any]) -> None:
    for fault, outcomes in run["rows"].items():
        for outcome in outcomes:
            if outcome["error"]:
                assert issubclass(getattr(errors, outcome["error"]), errors.DynasparkError)
                assert outcome["sentence"].endswith("."), outcome
                assert "<" not in outcome["sentence"], "no HTML"
            assert outcome["seconds"] < TIMEOUT + 0.5, (fault, outcome)
            assert outcome["grown"] < 64, (fault, outcome)


def test_the_page_in_docs_is_what_the_run_gives(run: dict[str, Any]) -> None:
    assert SCRIPT.with_suffix(".md").read_text() == run["page"], "python docs/errors.py writes it"


@pytest.mark.parametrize(
    ("fault", "streamed", "whole"),
    [
        ("asleep", 3, 3),
        ("busy", 3, 3),
        ("quota", 1, 1),
        ("patience", 1, 1),
        ("html", 2, 2),
        ("empty", 2, 2),
        ("cut", 1, 3),
        ("late-cut", 1, 3),
        ("early-cut", 3, 3),
        ("hang-up", 3, 3),
        ("garbage", 1, 1),
        ("redirect", 1, 1),
        ("redirect-loop", 4, 4),
        ("error-key", 1, 1),
    ],
)
def test_how_often_it_is_tried(run: dict[str, Any], fault: str, streamed: int, whole: int) -> None:
    assert [outcome["tries"] for outcome in run["rows"][fault]] == [streamed, whole]


@pytest.mark.parametrize("fault", ["asleep", "charset", "none", "second-answer", "slow"])
def test_what_is_not_broken_is_answered(run: dict[str, Any], fault: str) -> None:
    assert [outcome["error"] for outcome in run["rows"][fault]] == ["", ""]


async def test_501_is_not_tried_again() -> None:
    host = Host("status:501")
    async with host.listening() as url:
        with pytest.raises(errors.UpstreamError, match="501 Not Implemented"):
            await Dynaspark.create_async("", HELLO, url=url)
    assert host.requests == 1


async def test_more_patience_than_a_minute_is_not_had() -> None:
    async with Host("patience:61").listening() as url:
        with pytest.raises(errors.UpstreamError) as caught:
            await Dynaspark.create_async("", HELLO, url=url)
    assert caught.value.retry_after == 61


async def test_a_host_that_sleeps_for_a_time_wakes() -> None:
    async with Host("asleep-for:0.5").listening() as url:
        assert await Dynaspark.create_async("", HELLO, url=url) == TEXT


async def test_the_second_answer_never_answers_the_next_request() -> None:
    async with Host("second-answer").listening() as url:
        for _ in range(5):
            assert await Dynaspark.create_async("", HELLO, url=url) == TEXT


async def test_every_fault_is_refused_by_name_where_it_is_none() -> None:
    assert find("busy") == (PROFILES["busy"], 1)
    assert find("busy:2.5") == (PROFILES["busy"], 2.5)
    for wrong in ("nonsense", "busy:", "busy:x", "busy:-1", "busy:nan", "busy:1e999"):
        with pytest.raises(UsageError, match="fault"):
            find(wrong)


async def test_flaky_draws_the_same_each_time() -> None:
    async def statuses() -> list[str]:
        seen = []
        async with Host("flaky:0.5").listening() as url:
            for _ in range(12):
                try:
                    seen.append(await Dynaspark.create_async("", HELLO, url=url, timeout=0.2))
                except errors.DynasparkError as error:
                    seen.append(type(error).__name__)
        return seen

    host = Host("flaky")
    again = Host("flaky")
    assert [host.random.random() for _ in range(9)] == [again.random.random() for _ in range(9)]
    assert TEXT in await statuses()


async def begun(host: Host, url: str) -> asyncio.StreamWriter:
    """Send a request that the host has read."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    await until(lambda: host.requests)
    return writer


@pytest.mark.parametrize("fault", ["endless", "silent", "stall"])
async def test_a_fault_without_an_end_ends_when_the_client_leaves(fault: str) -> None:
    host = Host(fault)
    async with host.listening() as url:
        writer = await begun(host, url)
        writer.transport.abort()
        await until(lambda: not host._connections)


@pytest.mark.parametrize("fault", sorted(PROFILES))
async def test_stopping_the_host_ends_whatever_it_does(fault: str) -> None:
    host = Host(fault)
    async with host.listening() as url:
        writer = await begun(host, url)
    writer.transport.abort()
    assert not host._connections


async def test_it_reads_chunks_and_survives_what_is_no_request() -> None:
    host = Host("none")
    async with host.listening() as url:
        port = int(url.rpartition(":")[2])
        for request in (b"nonsense\r\n\r\n", b"x" * 200_000, b"POST / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
        async with aiohttp.ClientSession() as session:

            async def body() -> Any:
                yield b"hello"

            async with session.post(url, data=body()) as response:
                assert (await response.json())["response"] == TEXT


def test_openai_answers() -> None:
    whole = json.loads(good_answer("/v1/chat/completions", b"{}").body)
    assert whole["choices"][0]["message"]["content"] == TEXT
    events = good_answer("/v1/chat/completions?x=1", b'{"stream": true}')
    assert events.content_type == "text/event-stream"
    lines = [line[6:] for line in events.body.decode().split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines]
    assert "".join(delta.get("content", "") for delta in deltas) == TEXT
    for answer in (good_answer("/", b""), good_answer("/v1/chat/completions", b"{}"), events):
        assert 0 < answer.start < answer.middle < len(answer.body)


def test_the_command_line_lists_them_with_a_line_each() -> None:
    shown = CliRunner().invoke(commands, ["serve", "--fault", "list"])
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert len(lines) == len(PROFILES)
    assert all(len(line.split(maxsplit=1)) == 2 and len(line) <= 100 for line in lines)


def test_the_command_line_refuses_two_of_them_at_once() -> None:
    shown = CliRunner().invoke(commands, ["serve", "--fault", "busy", "--replay", "x"])
    assert shown.exit_code == 2
    assert "exclude each other" in shown.output


async def test_the_command_serves_a_fault() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiodynaspark", "serve", "--fault", "quota", "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        assert line.startswith("Serving the fault quota at http://127.0.0.1:")
        with pytest.raises(errors.RateLimitError, match="quota"):
            await Dynaspark.create_async("", HELLO, url=line.split(" at ")[1].split()[0])
    finally:
        process.terminate()
        assert await process.wait() == 0
