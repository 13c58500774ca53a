"""A crowd of requests begins a few at a time, and all of them begin."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from aiodynaspark.server.turns import AT_ONCE, Turns


async def begin(turns: Turns, begun: list[int], number: int) -> None:
    if not turns.take():
        await turns.wait()
    begun.append(number)


async def test_a_turn_of_the_loop_takes_a_few_in_the_order_they_came() -> None:
    turns, begun = Turns(), list[int]()
    crowd = [asyncio.create_task(begin(turns, begun, at)) for at in range(3 * AT_ONCE)]
    sizes = [0]
    while len(begun) < len(crowd):
        await asyncio.sleep(0)
        sizes.append(len(begun))
    assert begun == list(range(len(crowd)))
    assert max(after - before for before, after in pairwise(sizes)) == AT_ONCE


async def test_those_who_leave_the_queue_hold_nobody_up() -> None:
    turns, begun = Turns(), list[int]()
    crowd = [asyncio.create_task(begin(turns, begun, at)) for at in range(4 * AT_ONCE)]
    await asyncio.sleep(0)
    for task in crowd[AT_ONCE : 3 * AT_ONCE]:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert begun == [*range(AT_ONCE), *range(3 * AT_ONCE, 4 * AT_ONCE)]
