"""Pictures on their way up: streamed, whatever their size, and read anew for each attempt."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from upstream import answer, until, upstream

from aiodynaspark import Dynaspark, UsageError
from aiodynaspark.transport import Transport

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n"
SIZE = 20 * 1024 * 1024


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("upload") / "large.png"
    with file.open("wb") as opened:
        opened.write(PNG)
        opened.truncate(SIZE)
    return file


@asynccontextmanager
async def other_process(fault: str) -> Any:
    """A host in a process of its own, so that its memory does not count."""
    command = (sys.executable, "-m", "aiodynaspark", "serve", "--port", "0", "--fault", fault)
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        yield (await process.stderr.readline()).decode().split(" at ")[1].split()[0]
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("kind", ["path", "file object"])
async def test_twenty_megabytes_take_four_at_most(picture: Path, kind: str) -> None:
    transport = Transport()
    async with other_process("asleep:1") as url:
        with picture.open("rb") as file:
            source: Any = picture if kind == "path" else file
            ask = {"url": url, "media": [source], "transport": transport}
            await Dynaspark.create_async("", HELLO, **{**ask, "media": [PNG]})
            tracemalloc.start()
            try:
                await Dynaspark.create_async("", HELLO, **ask)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert most < 4 * 1024 * 1024
    await transport.aclose()


async def test_each_attempt_sends_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "small.png"
    file.write_bytes(PNG + bytes(range(256)) * 1000)
    async with upstream(answer("", 500), answer("", 307, location="/x"), answer()) as server:
        await Dynaspark.create_async("", HELLO, url=server.url, media=[file])
        first, second, third = [seen.body for seen in server.seen]
    assert first == second == third
    assert file.read_bytes() in first


async def test_a_file_that_is_not_in_memory(tmp_path: Path) -> None:
    """Where the system can be asked to forget a file, its pieces come from the disk."""
    file = tmp_path / "large.png"
    with file.open("wb") as opened:
        opened.write(PNG + os.urandom(2_000_000))
        os.fsync(opened.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    async with upstream(answer()) as server:
        await Dynaspark.create_async("", HELLO, url=server.url, media=[file])
        [seen] = server.seen
    assert file.read_bytes() in seen.body


async def test_a_file_object_stays_open(tmp_path: Path) -> None:
    file = io.BytesIO(PNG + b"x" * 200_000)
    async with upstream(answer("", 500), answer()) as server:
        await Dynaspark.create_async("", HELLO, url=server.url, media=[file])
        assert all(file.getvalue() in seen.body for seen in server.seen)
    assert not file.closed


@pytest.mark.parametrize("kind", ["path", "file object"])
@pytest.mark.parametrize("change", [-100_000, 100_000])
async def test_a_file_that_changes_its_size(tmp_path: Path, change: int, kind: str) -> None:
    """What comes after the promised bytes would be read as the next request."""
    file = tmp_path / "small.png"
    content = PNG + bytes(300_000)
    file.write_bytes(content)
    async with upstream(answer()) as server:
        with file.open("rb") as opened:
            source: Any = file if kind == "path" else opened
            async with held_back(server.url, source) as asking:
                os.truncate(file, len(content) + change)
            if change < 0:
                with pytest.raises(UsageError, match=r"shrank while"):
                    await asking
            else:
                await asking
                assert content in server.seen[0].body
                assert server.seen[0].body.endswith(b"--\r\n")


@asynccontextmanager
async def held_back(
    url: str, source: Any, transport: Transport | None = None
) -> AsyncIterator[asyncio.Task[str]]:
    """An ask whose form is made, and which is sent when this is left."""
    transport = transport or Transport(connections=1)
    assert transport.slots.take()
    asking = asyncio.create_task(
        Dynaspark.create_async("", HELLO, url=url, media=[source], timeout=5, transport=transport)
    )
    await until(lambda: transport.waiting)
    yield asking
    transport.slots.give_back()
    await asyncio.wait([asking])
    await transport.aclose()


async def test_a_file_that_cannot_be_read_any_more(tmp_path: Path) -> None:
    """The file is good when the form is made, and gone when its turn to be sent has come."""
    file = tmp_path / "small.png"
    file.write_bytes(PNG + bytes(300_000))
    transport = Transport(connections=1)
    async with upstream(answer()) as server:
        ask: dict[str, Any] = {"url": server.url, "transport": transport}
        await Dynaspark.create_async("", HELLO, media=[file], **ask)  # leaves a connection
        async with held_back(server.url, file, transport) as asking:
            file.unlink()
        with pytest.raises(UsageError, match=r"small\.png") as caught:
            await asking
        assert len(server.connections) == 1, "it was not sent again"
    assert caught.value.__cause__ is None  # a chain that leads back to itself has no end
    assert transport.retries == 0
    assert not transport.active
