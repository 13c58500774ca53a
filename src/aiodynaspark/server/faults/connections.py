"""Faults of the connection, and of HTTP itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .profile import profile

if TYPE_CHECKING:
    from .visit import Visit

PAUSE = 0.1
"""Seconds in which the client can take in what came before a fault."""


@profile()
async def silent(visit: Visit) -> None:
    """takes the request and never answers"""
    await visit.stay()


@profile()
async def hang_up(visit: Visit) -> None:
    """takes the request and closes the connection"""
    visit.over = True


@profile()
async def reset(visit: Visit) -> None:
    """takes the request and resets the connection"""
    visit.reset()


@profile()
async def early_cut(visit: Visit) -> None:
    """sends the headers, then closes the connection before any text"""
    good = visit.good
    head = visit.head(f"Content-Length: {len(good.body)}")
    await visit.send(head + good.body[: good.start])


@profile()
async def late_cut(visit: Visit) -> None:
    """sends half of the text, then closes the connection"""
    good = visit.good
    head = visit.head(f"Content-Length: {len(good.body)}")
    await visit.send(head + good.body[: good.middle])


@profile()
async def too_long(visit: Visit) -> None:
    """sends a whole answer, announces more than that, and closes the connection"""
    good = visit.good
    await visit.send(visit.head(f"Content-Length: {len(good.body) + 100}") + good.body)


@profile()
async def too_short(visit: Visit) -> None:
    """sends more than it announces"""
    good = visit.good
    await visit.send(visit.head(f"Content-Length: {good.middle}") + good.body)


@profile()
async def second_answer(visit: Visit) -> None:
    """sends a second answer that nobody asked for in the same packet"""
    body = visit.good.body
    forged = body.replace(b"It works", b"No one asked")
    first = visit.head(f"Content-Length: {len(body)}") + body
    second = visit.head(f"Content-Length: {len(forged)}") + forged
    await visit.send(first + second)
    visit.over = False


@profile()
async def garbage(visit: Visit) -> None:
    """answers with bytes that are no HTTP"""
    visit.over = True
    await visit.send(b"\x16\x03\x01 what is this \xff\xfe\r\n\r\n")


@profile()
async def big_headers(visit: Visit) -> None:
    """answers with 1 MiB of headers"""
    await visit.answer(None, *(f"X-{number}: {'x' * 8192}" for number in range(128)))


@profile()
async def big_header(visit: Visit) -> None:
    """answers with one header of 1 MiB"""
    await visit.answer(None, f"X-Big: {'x' * 1024 * 1024}")


@profile()
async def bad_chunk(visit: Visit) -> None:
    """sends half of the text in a chunk, then a chunk whose size is no number"""
    good = visit.good
    head = visit.head("Transfer-Encoding: chunked")
    await visit.send(head + b"%x\r\n%s\r\n" % (good.middle, good.body[: good.middle]))
    await asyncio.sleep(PAUSE)
    await visit.send(b"snow\r\n")
    await visit.stay()


@profile()
async def bad_chunk_first(visit: Visit) -> None:
    """sends a chunk whose size is no number before any text"""
    await visit.send(visit.head("Transfer-Encoding: chunked") + b"snow\r\n")
    await visit.stay()
