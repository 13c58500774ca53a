"""What stands between a model's waits and the writes of its answer."""

from __future__ import annotations

import asyncio

import pytest

from aiodynaspark.server.sending import before_each_wait


async def test_acts_before_each_wait_and_returns_the_result() -> None:
    seen = list[str]()

    async def work() -> int:
        seen.append("one")
        await asyncio.sleep(0)
        seen.append("two")
        await asyncio.get_running_loop().run_in_executor(None, seen.append, "elsewhere")
        return 3

    assert await before_each_wait(work(), lambda: seen.append("act")) == 3
    assert [said for said in seen if said != "elsewhere"] == ["one", "act", "two", "act"]


async def test_what_never_waits_is_not_acted_upon() -> None:
    async def work() -> None:
        pass

    await before_each_wait(work(), pytest.fail)


async def test_errors_pass_both_ways() -> None:
    forever = asyncio.Event()

    async def work() -> None:
        try:
            await forever.wait()
        except asyncio.CancelledError:
            raise ValueError("cancelled inside") from None

    async def main() -> None:
        await before_each_wait(work(), lambda: None)

    task = asyncio.create_task(main())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(ValueError, match="cancelled inside"):
        await task
