"""Faults of an answer with status 200 whose body is not what it should be."""

from __future__ import annotations

import asyncio
import zlib
from functools import cache
from typing import TYPE_CHECKING

from .answers import TEXT
from .profile import profile

if TYPE_CHECKING:
    from .visit import Visit

MB = 1024 * 1024
BOMB = 256
"""MiB that the bomb swells to, and that an endless answer has."""

PAGE = b"<!DOCTYPE html><html><body><h1>Loading</h1><p>One moment, please.</p></body></html>"


@profile()
async def html(visit: Visit) -> None:
    """answers with a page of HTML"""
    await visit.answer(PAGE, content_type="text/html; charset=utf-8")


@profile()
async def empty(visit: Visit) -> None:
    """answers with an empty body"""
    await visit.answer(b"")


@profile()
async def null(visit: Visit) -> None:
    """answers with JSON that holds null where the text should be"""
    await visit.answer(b'{"response": null}', content_type="application/json")


@profile()
async def cut(visit: Visit) -> None:
    """ends its JSON in the middle of the text"""
    good = visit.good
    await visit.answer(good.body[: good.middle])


@profile()
async def error_key(visit: Visit) -> None:
    """answers with an error in JSON, and status 200"""
    await visit.answer(
        b'{"error": {"message": "the model failed"}}', content_type="application/json"
    )


@profile()
async def late_error(visit: Visit) -> None:
    """sends the text, then an error"""
    text = f'{{"response": "{TEXT}", "error": "the model failed"}}'
    await visit.answer(text.encode(), content_type="application/json")


@profile()
async def two_answers(visit: Visit) -> None:
    """sends two texts in one JSON object"""
    text = f'{{"response": "{TEXT}", "response": "another"}}'
    await visit.answer(text.encode(), content_type="application/json")


@profile()
async def charset(visit: Visit) -> None:
    """sends a byte order mark and declares a charset and a type that are wrong"""
    await visit.answer(b"\xef\xbb\xbf" + visit.good.body, content_type="text/plain; charset=utf-16")


@profile(0.01)
async def slow(visit: Visit) -> None:
    """answers as it should, one byte each N seconds"""
    good = visit.good
    await visit.send(visit.head(f"Content-Length: {len(good.body)}"))
    for byte in good.body:
        await visit.send(bytes([byte]))
        await asyncio.sleep(visit.value)


@profile()
async def stall(visit: Visit) -> None:
    """sends half of the text, then nothing more"""
    good = visit.good
    head = visit.head(f"Content-Length: {len(good.body)}")
    await visit.send(head + good.body[: good.middle])
    await visit.stay()


@profile()
async def encoding(visit: Visit) -> None:
    """declares an encoding that nobody knows"""
    await visit.answer(None, "Content-Encoding: snow")


@profile()
async def gzip_cut(visit: Visit) -> None:
    """sends the first half of a gzip body as if it were whole"""
    body = _gzip(visit.good.body)
    await visit.answer(body[: len(body) // 2], "Content-Encoding: gzip")


@profile()
async def bomb(visit: Visit) -> None:
    """sends 256 KiB of gzip that swell to 256 MiB of text"""
    head, block, tail = _bomb(visit.good.body[: visit.good.start])
    size = len(head) + BOMB * len(block) + len(tail)
    await visit.send(visit.head(f"Content-Length: {size}", "Content-Encoding: gzip"))
    await visit.send(head)
    for _ in range(BOMB):
        await visit.send(block)
    await visit.send(tail)


@profile()
async def endless(visit: Visit) -> None:
    """sends text in chunks until the client leaves, at most 256 MiB"""
    await visit.send(visit.head("Transfer-Encoding: chunked"))
    opening = visit.good.body[: visit.good.start]
    await visit.send(b"%x\r\n%s\r\n" % (len(opening), opening))
    piece = b"10000\r\n" + b"and so on ".ljust(16) * 4096 + b"\r\n"
    for _ in range(BOMB * 16):
        await visit.send(piece)
    await visit.send(b"0\r\n\r\n")


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@cache
def _bomb(opening: bytes) -> tuple[bytes, bytes, bytes]:
    """A beginning, a block that may be repeated (it refers to nothing before it), and an end."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packer.compress(opening)
    head += packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"a" * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(b'"}') + packer.flush()
    check = zlib.crc32(opening)
    for _ in range(BOMB):
        check = zlib.crc32(b"a" * MB, check)
    check = zlib.crc32(b'"}', check)
    size = len(opening) + BOMB * MB + 2
    return head, block, tail + check.to_bytes(4, "little") + size.to_bytes(4, "little")
