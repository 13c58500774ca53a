"""What a client's connection promises whose small writes leave together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest
from raw import get, post, say

from aiodynaspark import Model
from aiodynaspark.providers.echo import Echo
from aiodynaspark.server import Catalog, running
from aiodynaspark.server.corked import WRITE_BUFFER, CorkedTransport
from aiodynaspark.transport.corked import Cork

Both = tuple[CorkedTransport, socket.socket]


class Watched(asyncio.Protocol):
    """Keeps whether its writer is to wait."""

    paused = False

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    """A connection of ours, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(Watched, sock=ours)
    with theirs:
        yield CorkedTransport(cast("asyncio.Transport", transport), Cork(loop, (1, 2))), theirs
        transport.abort()
        await turns()


async def turns() -> None:
    """Let the loop take a few turns."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_writes_of_one_turn_leave_after_it_in_their_order(both: Both) -> None:
    ours, theirs = both
    ours.write(b"one ")
    ours.writelines([b"two ", bytearray(b"three ")])
    with pytest.raises(BlockingIOError):
        theirs.recv(100)
    await turns()
    assert theirs.recv(100) == b"one two three "


async def test_what_may_not_wait_leaves_at_once_behind_what_does(both: Both) -> None:
    ours, theirs = both
    ours.write(b"first ")
    ours.write_now(b"second ")
    assert theirs.recv(100) == b"first second "
    ours.write(b"third ")
    ours.write(b"x" * WRITE_BUFFER)
    assert theirs.recv(7) == b"third x"


async def test_closing_sends_what_is_held_back(both: Both) -> None:
    ours, theirs = both
    ours.write(b"last words")
    ours.close()
    assert ours.is_closing()
    await turns()
    assert theirs.recv(100) == b"last words"
    assert theirs.recv(100) == b""


async def test_an_end_of_our_half_comes_after_what_is_held_back(both: Both) -> None:
    ours, theirs = both
    assert ours.can_write_eof()
    ours.write(b"last words")
    ours.write_eof()
    await turns()
    assert theirs.recv(100) == b"last words"
    assert theirs.recv(100) == b""
    assert not ours.is_closing()


async def test_an_aborted_connection_sends_nothing_more(both: Both) -> None:
    ours, theirs = both
    ours.write(b"never to be seen")
    ours.abort()
    await turns()
    assert theirs.recv(100) == b""


async def test_a_lost_connection_takes_what_is_held_back_along(both: Both) -> None:
    ours, theirs = both
    theirs.close()
    ours.write(b"to nobody")
    await turns()
    ours.write(b"to nobody")
    await turns()
    assert ours.is_closing()


async def test_says_how_much_waits_and_makes_the_writer_wait(both: Both) -> None:
    ours, theirs = both
    watched = cast("Watched", ours.get_protocol())
    ours.set_write_buffer_limits(high=WRITE_BUFFER)
    assert ours.get_write_buffer_limits() == (WRITE_BUFFER // 4, WRITE_BUFFER)
    written = 0
    while not watched.paused:
        ours.write(b"x" * (WRITE_BUFFER - 1))
        written += WRITE_BUFFER - 1
        await turns()
    ours.write(b"more")
    waiting = ours.get_write_buffer_size()
    assert waiting > WRITE_BUFFER
    read = 0
    while read < written + 4:
        try:
            read += len(theirs.recv(1 << 20))
        except BlockingIOError:
            await turns()
    await turns()
    assert not watched.paused
    assert ours.get_write_buffer_size() == 0


async def test_is_the_connection_in_everything_else(both: Both) -> None:
    ours, _ = both
    assert ours.get_extra_info("socket").fileno() >= 0
    assert ours.get_extra_info("nothing", 3) == 3
    ours.pause_reading()
    assert not ours.is_reading()
    ours.resume_reading()
    assert ours.is_reading()
    other = Watched()
    ours.set_protocol(other)
    assert ours.get_protocol() is other


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with running(Catalog({"echo": Model(Echo, "")})) as url:
        requests = [post(b"user_input=%d-th" % number) for number in range(5)]
        kept = [request.replace(b"Connection: close\r\n", b"") for request in requests]
        said = await say(url, b"".join(kept) + get())
    places = [said.raw.index(b"%d-th" % number) for number in range(5)]
    assert places == sorted(places)
    assert said.raw.count(b"HTTP/1.1 200 OK\r\n") == 6
    assert said.raw.endswith(b"}")


async def test_a_body_is_asked_for_before_its_answer() -> None:
    async with running(Catalog({"echo": Model(Echo, "")})) as url:
        said = await say(url, post(b"user_input=hello", "Expect: 100-continue"))
    assert said.raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
