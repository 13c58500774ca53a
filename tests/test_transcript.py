"""The text so far is kept whole, wherever it is kept."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from aiodynaspark._transcript import IN_MEMORY, ROOM, Transcript

PIECE = "naïve 😀 \ud800 \0 "


@pytest.fixture
def transcript() -> Iterator[Transcript]:
    made = Transcript()
    yield made
    made.close()


@pytest.fixture
def little_room() -> Iterator[int]:
    """No file may have more bytes than this, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = ROOM + 4 * IN_MEMORY
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    yield most
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1, IN_MEMORY - 1, IN_MEMORY, 3 * IN_MEMORY, 3 * ROOM])
def test_all_of_it_is_kept(transcript: Transcript, size: int) -> None:
    pieces = [PIECE] * (size // len(PIECE) + 1)
    for piece in pieces:
        transcript.add(piece)
    assert transcript.text() == "".join(pieces)


def test_a_large_piece_is_kept_at_once(transcript: Transcript) -> None:
    for piece in (PIECE * IN_MEMORY, "", "the end"):
        transcript.add(piece)
    assert transcript.text() == PIECE * IN_MEMORY + "the end"


def test_where_the_disk_is_full_memory_has_to_do(transcript: Transcript, little_room: int) -> None:
    pieces = ["a" * 10_000] * (2 * little_room // 10_000)
    for piece in pieces:
        transcript.add(piece)
    assert transcript.text() == "".join(pieces)
