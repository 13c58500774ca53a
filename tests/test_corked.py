"""Writes of one turn of the loop leave together, in their order; one alone leaves at once."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from aiodynaspark.transport.corked import Cork


class End(NamedTuple):
    """A connection, and the socket at its other end."""

    transport: asyncio.WriteTransport
    other: socket.socket

    def arrived(self) -> bytes:
        """What has come through so far."""
        return self.other.recv(100) if select.select([self.other], [], [], 0)[0] else b""


@pytest.fixture
async def ends() -> AsyncIterator[list[End]]:
    made = []
    for _ in range(2):
        near, far = socket.socketpair()
        near.setblocking(False)
        connection, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=near
        )
        made.append(End(connection, far))
    yield made
    for end in made:
        end.transport.close()
        end.other.close()


async def test_writes_leave_at_the_end_of_the_turn(ends: list[End]) -> None:
    cork = Cork(asyncio.get_running_loop(), ["one", "another"])
    for end in ends:
        cork.write(end.transport, b"hello ")
        cork.write(end.transport, b"there")
    assert [end.arrived() for end in ends] == [b"", b""]
    await asyncio.sleep(0)
    assert [end.arrived() for end in ends] == [b"hello there", b"hello there"]


async def test_a_request_alone_is_not_held_back(ends: list[End]) -> None:
    cork = Cork(asyncio.get_running_loop(), ["one"])
    cork.write(ends[0].transport, b"hello")
    assert ends[0].arrived() == b"hello"


async def test_nothing_overtakes_what_is_held_back(ends: list[End]) -> None:
    active = ["one", "another"]
    cork = Cork(asyncio.get_running_loop(), active)
    cork.write(ends[0].transport, b"hello ")
    active.pop()
    cork.write(ends[0].transport, b"there")
    await asyncio.sleep(0)
    assert ends[0].arrived() == b"hello there"


async def test_a_connection_that_is_gone_costs_the_others_nothing(ends: list[End]) -> None:
    cork = Cork(asyncio.get_running_loop(), ["one", "another"])
    for end in ends:
        cork.write(end.transport, b"hello")
    ends[0].transport.abort()
    await asyncio.sleep(0)
    assert ends[1].arrived() == b"hello"
