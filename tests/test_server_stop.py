"""How a server ends: real processes, real signals, answers in mid-stream."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from raw import connect, get, hang_up, parse, post
from upstream import pieces, upstream

COMMAND = (sys.executable, "-m", "aiodynaspark", "serve", "--port", "0", "--model")
FIRST = b'{"response": "first'
REST = [b" and ", b'last"}']


@asynccontextmanager
async def serving(
    upstream_url: str, *arguments: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "far=dynaspark",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
        env={"DYNASPARK_URL": upstream_url},
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        yield line.split(" at ")[1].split()[0], process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def begin(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask, and read the answer's beginning."""
    reader, writer = await connect(url)
    writer.write(post())
    await reader.readuntil(b"first")
    return reader, writer


async def refused(url: str) -> bool:
    try:
        _, writer = await connect(url)
    except ConnectionError:
        return True
    await hang_up(writer)
    return False


def joined(rest: bytes) -> str:
    """A chunked body's end, without the chunks' sizes."""
    return "".join(rest.decode().split("\r\n")[2::2])


async def test_running_answers_are_finished_and_no_new_ones_begun() -> None:
    gate = asyncio.Event()
    async with upstream(pieces([FIRST, *REST], gate)) as server:
        async with serving(server.url) as (url, process):
            idle = await connect(url)
            idle[1].write(get().replace(b"Connection: close\r\n", b""))
            await idle[0].readuntil(b"}")
            answers = [await begin(url) for _ in range(20)]
            process.send_signal(signal.SIGTERM)
            while not await refused(url):
                await asyncio.sleep(0.01)
            idle[1].write(post())
            turned_away = parse(await idle[0].read())
            assert turned_away.status in (0, 503)
            gate.set()
            for reader, writer in answers:
                assert '"model":"far"}' in joined(await reader.read())
                await hang_up(writer)
            await hang_up(idle[1])
            assert await process.wait() == 0


async def test_what_does_not_end_in_time_ends_with_an_error() -> None:
    async with upstream(pieces([FIRST, *REST], asyncio.Event())) as server:
        async with serving(server.url, "--drain", "0.2") as (url, process):
            answers = [await begin(url) for _ in range(20)]
            process.send_signal(signal.SIGTERM)
            for reader, writer in answers:
                rest = await reader.read()
                assert rest.endswith(b"0\r\n\r\n"), "the answer is whole"
                body = json.loads('{"response":"first' + joined(rest))
                assert body["error"].startswith("The server is stopping")
                await hang_up(writer)
            assert await process.wait() == 0


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(
            b'{"model": "far", "stream": true, "messages": [{"role": "user", "content": "x"}]}',
            path="/v1/chat/completions",
            kind="application/json",
        ),
        post(
            b'{"model": "far", "stream": true, "input": "x"}',
            path="/v1/responses",
            kind="application/json",
        ),
        get("/api/generate_response?user_input=x&stream=true"),
    ],
)
async def test_streams_of_events_end_with_one_too(request_bytes: bytes) -> None:
    async with upstream(pieces([FIRST, *REST], asyncio.Event())) as server:
        async with serving(server.url, "--drain", "0.2") as (url, process):
            reader, writer = await connect(url)
            writer.write(request_bytes)
            await reader.readuntil(b"first")
            process.send_signal(signal.SIGTERM)
            rest = await reader.read()
            assert rest.endswith(b"0\r\n\r\n"), "the answer is whole"
            said = [line for line in rest.splitlines() if b"The server is stopping" in line]
            assert len(said) == 1
            assert said[0].startswith(b"data: ")
            assert b"error" in said[0]
            assert await process.wait() == 0
            await hang_up(writer)


async def test_a_reader_that_stands_still_does_not_hold_it() -> None:
    flood = [FIRST, *([b"x" * 65_536] * 200), b'"}']
    async with upstream(pieces(flood)) as server:
        async with serving(server.url, "--drain", "0.2") as (url, process):
            _, writer = await begin(url)
            writer.transport.pause_reading()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
            await hang_up(writer)


async def test_a_second_interrupt_ends_it_at_once() -> None:
    async with upstream(pieces([FIRST, *REST], asyncio.Event())) as server:
        async with serving(server.url, "--drain", "600") as (url, process):
            _, writer = await begin(url)
            process.send_signal(signal.SIGINT)
            while not await refused(url):
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
            assert process.stderr is not None
            assert b"Traceback" not in await process.stderr.read()
            await hang_up(writer)


async def test_several_processes_share_a_port() -> None:
    async with upstream(pieces([FIRST, *REST])) as server:
        async with serving(server.url, "--reuse-port") as (url, _):
            port = url.rpartition(":")[2]
            async with serving(server.url, "--reuse-port", "--port", port) as (same, _):
                assert same == url


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        ((), {}, 2),
        (("--api-key", ""), {}, 2),
        ((), {"DYNASPARK_SERVER_KEY": "k"}, 0),
        (("--api-key", "k"), {}, 0),
    ],
)
async def test_one_that_others_reach_needs_a_key(
    arguments: tuple[str, ...], environment: dict[str, str], code: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "echo=echo", "--host", "0.0.0.0", *arguments),
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stderr is not None
    said = await process.stderr.readline()
    if code == 0:
        assert said.startswith(b"Serving")
        process.terminate()
    assert await process.wait() == code, said
    await process.communicate()
