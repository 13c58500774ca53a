"""Two hundred answers at once, and what is left of them when everybody leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

from raw import connect, get, hang_up, post, say, until
from upstream import pieces, upstream

from aiodynaspark import Model
from aiodynaspark.providers.dynaspark import Dynaspark
from aiodynaspark.server import Catalog, Policy, running
from aiodynaspark.transport import current

STREAMS = 200


def descriptors() -> int:
    here = Path("/proc/self/fd")
    return sum(1 for _ in here.iterdir()) if here.exists() else 0


async def begin(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await connect(url)
    writer.write(post())
    await reader.readuntil(b"first")
    return reader, writer


async def test_all_get_their_first_byte_and_nothing_stays_behind() -> None:
    script = pieces([b'{"response": "first', b' and last"}'], asyncio.Event())
    async with upstream(script) as server:
        catalog = Catalog({"far": Model(Dynaspark, "", {"url": server.url})})
        async with running(catalog, policy=Policy(drain=0)) as url:
            before = descriptors()
            streams = await asyncio.gather(*(begin(url) for _ in range(STREAMS)))
            assert server.open_connections() == STREAMS
            assert (await say(url, get())).status == 200
            assert b"in_flight 200\n" in (await say(url, get("/metrics"))).body
            for _, writer in streams:
                await hang_up(writer)
            await until(lambda: not server.open_connections())
            await until(lambda: descriptors() <= before)
            assert "0 active, 0 idle" in repr(await current())
            assert b"in_flight 0\n" in (await say(url, get("/metrics"))).body


async def test_all_of_them_are_answered_to_the_end() -> None:
    gate = asyncio.Event()
    async with upstream(pieces([b'{"response": "first', b' and last"}'], gate)) as server:
        catalog = Catalog({"far": Model(Dynaspark, "", {"url": server.url})})
        async with running(catalog, policy=Policy(drain=0)) as url:
            streams = await asyncio.gather(*(begin(url) for _ in range(STREAMS)))
            gate.set()
            for reader, writer in streams:
                assert b" and last" in await reader.read()
                await hang_up(writer)
