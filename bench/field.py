"""How fast the text comes out of a JSON body that is still arriving.

``python -m bench.field`` prints MB/s for 16 KiB pieces, the peak of memory over a body of 50 MB,
and what a small body costs when it comes whole.
"""

from __future__ import annotations

import json
import timeit
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

from aiodynaspark._field import FieldDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 16_384
MB = 1_000_000
SAMPLES = {
    "none": b"The quick brown fox jumps over the lazy dog and goes on. ",
    "light": b'He said \\"hello\\" and went on with a line of the usual length.\\n',
    "many (\\uXXXX)": b"\\u0434\\u043e\\u0431\\u0440\\u044b\\u0439 \\ud83d\\ude00",
    'many (\\n, \\")': b'\\"a\\"\\n',
    "raw UTF-8": "Добрый день, как дела? ".encode(),
}
SMALL = {
    "text alone": {"response": "An answer of the usual kind. " * 6},
    "text and model": {
        "response": "An answer of the usual kind. " * 5,
        "model": "gemini-1.5-flash",
    },
    "model first": {"model": "gemini-1.5-flash", "response": "An answer of the usual kind. " * 5},
}


def body_of(sample: bytes, size: int) -> bytes:
    return b'{"response":"' + sample * (size // len(sample)) + b'"}'


def pieces_of(body: bytes) -> list[bytes]:
    return [body[at : at + PIECE] for at in range(0, len(body), PIECE)]


def read(pieces: list[bytes]) -> None:
    decoder = FieldDecoder()
    for piece in pieces:
        decoder.feed(piece)
    decoder.finish()


def best(work: Callable[[], object], number: int) -> float:
    """Seconds of one call, the best of seven rounds."""
    return min(timeit.repeat(work, number=number, repeat=7)) / number


def megabytes_per_second(sample: bytes) -> float:
    body = body_of(sample, 4 * MB)
    pieces = pieces_of(body)
    return len(body) / best(partial(read, pieces), 2) / MB


def peak(sample: bytes) -> int:
    """The most bytes allocated at a time, above the body itself."""
    pieces = pieces_of(body_of(sample, 50 * MB))
    tracemalloc.start()
    read(pieces)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    print(f"{'escapes':16} {'MB/s':>8} {'peak, KB':>9}")
    for name, sample in SAMPLES.items():
        speed, memory = megabytes_per_second(sample), peak(sample) / 1_000
        print(f"{name:16} {speed:8,.0f} {memory:9,.0f}")
    print(f"\n{'small body':16} {'bytes':>8} {'us':>9} {'json.loads':>11}")
    for name, members in SMALL.items():
        body = json.dumps(members).encode()
        ours = best(partial(read, [body]), 20_000) * MB
        theirs = best(partial(json.loads, body), 20_000) * MB
        print(f"{name:16} {len(body):8} {ours:9.2f} {theirs:11.2f}")


if __name__ == "__main__":
    main()
