"""Compressed bodies, cut at every byte, truncated, damaged, and much too large."""

from __future__ import annotations

import gzip
import importlib
import sys
import tracemalloc
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark import _inflate
from aiodynaspark._inflate import PIECE, Inflater, accept_encoding
from aiodynaspark.errors import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = '{"response": "Привет, hello, hello, hello, hello"}'.encode() * 3


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def stored(data: bytes) -> bytes:
    packer = zlib.compressobj(0, wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "gzip, odd spelling": (" X-GZIP ,", gzip.compress),
    "gzip, three members": (
        "gzip",
        lambda data: gzip.compress(data[:9]) + gzip.compress(b"") + gzip.compress(data[9:]),
    ),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "stored deflate": ("deflate", stored),
    "br": ("br", brotli.compress),
    "gzip in br": ("gzip, identity, br", lambda data: brotli.compress(gzip.compress(data))),
    "three": ("deflate,gzip,gzip", lambda data: gzip.compress(gzip.compress(zlib.compress(data)))),
}
COMPRESSED = [name for name, (encoding, _) in PACKERS.items() if encoding not in ("", "identity")]


def member_ends(body: bytes) -> set[int]:
    """Where a gzip body may end, since a member does."""
    ends, rest = set(), body
    while rest:
        stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        stream.decompress(rest)
        rest = stream.unused_data
        ends.add(len(body) - len(rest))
    return ends


def inflate(encodings: str | None, *pieces: bytes) -> bytes:
    inflater = Inflater(encodings)
    out = b"".join(part for piece in pieces for part in inflater.feed(piece))
    inflater.finish()
    return out


@pytest.mark.parametrize("name", PACKERS)
def test_cut_at_every_byte(name: str) -> None:
    encoding, pack = PACKERS[name]
    body = pack(TEXT)
    assert inflate(encoding, body) == TEXT
    assert inflate(encoding, *(body[at : at + 1] for at in range(len(body)))) == TEXT
    for at in range(len(body) + 1):
        assert inflate(encoding, body[:at], b"", body[at:]) == TEXT


@pytest.mark.parametrize("name", COMPRESSED)
def test_truncated_at_every_byte(name: str) -> None:
    encoding, pack = PACKERS[name]
    body = pack(TEXT)
    whole = member_ends(body) if name == "gzip, three members" else ()
    for at in range(1, len(body)):
        inflater = Inflater(encoding)
        sofar = b"".join(inflater.feed(body[:at]))
        assert TEXT.startswith(sofar)
        if at in whole:
            inflater.finish()
            continue
        with pytest.raises(StreamError, match="cut off") as caught:
            inflater.finish()
        assert caught.value.retryable


@pytest.mark.parametrize("encoding", [None, "", "gzip", "deflate", "br", "gzip, br"])
def test_no_bytes_are_an_empty_body(encoding: str | None) -> None:
    assert inflate(encoding) == b""
    assert inflate(encoding, b"", b"") == b""


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("after", [b"\0", b"<html>"])
def test_something_after_the_end(name: str, after: bytes) -> None:
    encoding, pack = PACKERS[name]
    body = pack(TEXT)
    for pieces in ([body + after], [body, after], [body, *(after[i : i + 1] for i in range(6))]):
        with pytest.raises(StreamError):
            inflate(encoding, *pieces)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "br, gzip"])
def test_not_compressed_at_all(encoding: str) -> None:
    with pytest.raises(StreamError, match="is not valid"):
        inflate(encoding, TEXT)


def test_wrong_checksum() -> None:
    body = bytearray(gzip.compress(TEXT))
    body[-8] ^= 1
    with pytest.raises(StreamError, match="is not valid gzip data"):
        inflate("gzip", bytes(body))


@pytest.mark.parametrize(
    ("encoding", "wrong"),
    [
        ("compress", '"compress", which cannot be decoded'),
        ("gzip, x\x1b[31m", '"x \\[31m"'),
        (", ".join(["gzip"] * 5), "more than 4 times"),
    ],
)
def test_unknown_encoding(encoding: str, wrong: str) -> None:
    with pytest.raises(StreamError, match=wrong):
        Inflater(encoding)


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=300), st.lists(st.integers(0, 999)))
def test_any_bytes_any_cut(name: str, data: bytes, at: list[int]) -> None:
    encoding, pack = PACKERS[name]
    body = pack(data)
    edges = [0, *sorted(n % (len(body) + 1) for n in at), len(body)]
    assert inflate(encoding, *(body[a:b] for a, b in pairwise(edges))) == data


@pytest.mark.parametrize("name", PACKERS)
def test_pieces_are_bounded(name: str) -> None:
    """Sizes around a piece's own, in one feed."""
    encoding, pack = PACKERS[name]
    for size in (PIECE - 1, PIECE, PIECE + 1, 5 * PIECE):
        data = bytes(size)
        inflater = Inflater(encoding)
        pieces = list(inflater.feed(pack(data)))
        inflater.finish()
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= PIECE


def bomb(encoding: str) -> bytes:
    _, pack = PACKERS["zlib" if encoding == "deflate" else encoding]
    return pack(bytes(50_000_000))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_bomb_can_be_left_at_any_piece(encoding: str) -> None:
    body = bomb(encoding)
    inflater = Inflater(encoding)
    tracemalloc.start()
    try:
        pieces = inflater.feed(body)
        sizes = [len(next(pieces)) for _ in range(100)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(sizes) <= PIECE
    assert peak < 10 * PIECE


def test_a_bomb_in_a_bomb() -> None:
    body = gzip.compress(bomb("gzip"))
    pieces = Inflater("gzip, gzip").feed(body)
    assert sum(len(next(pieces)) for _ in range(100)) <= 100 * PIECE


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    _inflate._brotli.cache_clear()
    yield monkeypatch
    _inflate._brotli.cache_clear()


def test_offers_what_it_can_decode() -> None:
    assert accept_encoding() == "gzip, deflate, br"


def test_without_brotli(modules: pytest.MonkeyPatch) -> None:
    modules.setitem(sys.modules, "brotli", None)
    modules.setitem(sys.modules, "brotlicffi", None)
    assert accept_encoding() == "gzip, deflate"
    with pytest.raises(StreamError, match="it was offered gzip, deflate, so"):
        Inflater("br")


def test_brotli_under_its_other_name(modules: pytest.MonkeyPatch) -> None:
    modules.setitem(sys.modules, "brotlicffi", importlib.import_module("brotli"))
    modules.setitem(sys.modules, "brotli", None)
    assert inflate("br", brotli.compress(TEXT)) == TEXT
