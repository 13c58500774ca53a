"""How many rows are under way, what ends a run, and what a failure becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from raw import until
from scripted import Scripted
from upstream import Handler, answer, hold, upstream

from aiodynaspark import (
    AuthenticationError,
    ConnectError,
    Dynaspark,
    Model,
    RateLimitError,
    StreamError,
    TransportTimeout,
)
from aiodynaspark._limits import Concurrency, Pace
from aiodynaspark.batch import LocalLimiter, answer_rows
from aiodynaspark.batch.rows import failure_row


async def rows(count: int) -> AsyncIterator[dict[str, Any]]:
    for line in range(1, count + 1):
        messages = [{"role": "user", "content": f"question {line}"}]
        yield {"line": line, "custom_id": f"r{line}", "messages": messages}


async def outcomes(model: Model, count: int, **settings: Any) -> list[dict[str, Any]]:
    async with aclosing(answer_rows(rows(count), model, **settings)) as answered:
        return [row async for row in answered]


def at(url: str, **options: Any) -> Model:
    return Model(Dynaspark, "", {"url": url, **options})


class TestConcurrency:
    def test_doubles_until_the_first_push_back(self) -> None:
        width = Concurrency(start=8)
        for _ in range(8):
            width.went_well(under_way=width.limit)
        assert width.limit == 16

    def test_shrinks_once_for_all_that_were_under_way(self) -> None:
        width = Concurrency(start=100)
        for _ in range(50):
            width.pushed_back(since=1.0, now=2.0)
        assert width.limit == 70
        width.pushed_back(since=2.5, now=3.0)
        assert width.limit == 49

    def test_then_grows_by_one_a_round(self) -> None:
        width = Concurrency(start=10)
        width.pushed_back(since=1.0, now=2.0)
        for _ in range(8):
            width.went_well(under_way=8)
        assert width.limit == 8

    def test_does_not_grow_where_it_is_not_used(self) -> None:
        width = Concurrency(start=8)
        width.went_well(under_way=3)
        assert width.limit == 8

    def test_stays_between_its_bounds(self) -> None:
        width = Concurrency(start=8)
        for _ in range(1_000):
            width.went_well(under_way=256)
        assert width.limit == 256
        for second in range(100):
            width.pushed_back(since=second, now=second)
        assert width.limit == 1
        fixed = Concurrency(least=5, most=5)
        fixed.went_well(under_way=5)
        fixed.pushed_back(since=1, now=1)
        assert fixed.limit == 5


class TestPace:
    def test_spreads_requests_evenly(self) -> None:
        pace = Pace(per_minute=60)
        assert [pace.take(100.0) for _ in range(3)] == [0, 1, 2]
        assert pace.take(110.0) == 0


class TestALimiter:
    async def test_grants_no_more_than_its_limit(self) -> None:
        limiter = LocalLimiter(concurrency=2)
        first, _ = await limiter.acquire(), await limiter.acquire()
        third = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        assert not third.done()
        limiter.release(first, answered=True)
        await third

    async def test_takes_a_lease_back_that_nobody_waits_for_any_more(self) -> None:
        limiter = LocalLimiter(concurrency=1, per_minute=0.001)
        lease = await limiter.acquire()
        limiter.release(lease, answered=True)
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert limiter._out == 0

    async def test_widens_by_each_of_those_that_ended_one_after_the_other(self) -> None:
        limiter = LocalLimiter()
        leases = [await limiter.acquire() for _ in range(8)]
        for lease in leases:
            limiter.release(lease, answered=True)
        assert limiter.limit == 16

    async def test_does_not_widen_where_it_was_not_full(self) -> None:
        limiter = LocalLimiter()
        leases = [await limiter.acquire() for _ in range(7)]
        for lease in leases:
            limiter.release(lease, answered=True)
        assert limiter.limit == 8

    async def test_pays_for_retries_too(self) -> None:
        limiter = LocalLimiter(concurrency=4, per_minute=1)
        lease = await limiter.acquire()
        limiter.retried(lease, pushed_back=True)
        assert limiter.retries == 1
        assert limiter._pace is not None
        assert limiter._pace.take(lease) == pytest.approx(120, abs=1)


class TestAskingManyRows:
    async def test_answers_all(self) -> None:
        async with upstream(answer()) as server:
            found = await outcomes(at(server.url), 50)
        assert sorted(row["custom_id"] for row in found) == sorted(f"r{n}" for n in range(1, 51))
        assert all(row["error"] is None for row in found)

    async def test_has_as_many_under_way_as_the_limiter_grants(self) -> None:
        release = asyncio.Event()
        async with upstream(hold(release)) as server:
            asking = asyncio.create_task(
                outcomes(at(server.url), 10, limiter=LocalLimiter(concurrency=4))
            )
            await until(lambda: len(server.seen) >= 4)
            assert len(server.seen) == 4
            release.set()
            assert len(await asking) == 10

    async def test_counts_retries_and_narrows_where_it_is_pushed_back(self) -> None:
        limiter = LocalLimiter()
        script = [answer("{}", 429, retry_after="0.01"), answer()]
        async with upstream(*script) as server:
            (row,) = await outcomes(at(server.url), 1, limiter=limiter)
        assert row["error"] is None
        assert (limiter.retries, limiter.limit) == (1, 5)  # 0.7 of 8

    @pytest.mark.parametrize(
        ("answered", "kind"),
        [
            (answer("{}", 401), AuthenticationError),
            (answer("{}", 402), RateLimitError),
            (answer('{"error": {"code": "insufficient_quota"}}', 429), RateLimitError),
        ],
    )
    async def test_ends_where_every_row_would_fail(
        self, answered: Handler, kind: type[Exception]
    ) -> None:
        async with upstream(answered) as server:
            with pytest.raises(kind):
                await outcomes(at(server.url), 1_000)
        assert len(server.seen) <= 16

    async def test_ends_where_nobody_ever_answered(self) -> None:
        async with upstream(answer()) as server:
            url = server.url
        with pytest.raises(ConnectError):
            await outcomes(at(url, retries=0), 10)

    async def test_goes_on_where_somebody_answered_before(self) -> None:
        Scripted.chunks = ["ok"]
        limiter = LocalLimiter(concurrency=1)
        found = []
        async with aclosing(answer_rows(rows(3), Model(Scripted), limiter=limiter)) as answered:
            async for row in answered:
                found.append(row)
                Scripted.chunks = [ConnectError("Gone.")]
        assert found[0]["error"] is None
        assert found[-1]["error"] == {"code": "connect_error", "message": "Line 3: Gone."}

    async def test_survives_a_provider_that_fails_in_a_way_of_its_own(self) -> None:
        Scripted.chunks = [ValueError("a secret")]
        (row,) = await outcomes(Model(Scripted), 1)
        assert row["error"]["message"] == (
            "Line 1: The provider failed with ValueError, which is a fault in it."
        )

    async def test_says_what_fails_in_reading_the_rows(self) -> None:
        async def broken() -> AsyncIterator[dict[str, Any]]:
            async for row in rows(1):
                yield row
            raise OSError("gone")

        Scripted.chunks = ["ok"]
        with pytest.raises(OSError, match="gone"):
            async for _ in answer_rows(broken(), Model(Scripted)):
                pass

    async def test_leaves_nothing_behind_when_it_is_left(self) -> None:
        Scripted.chunks, Scripted.asked, Scripted.closed = (
            ["a", asyncio.Event()],
            [],
            asyncio.Event(),
        )
        before = asyncio.all_tasks()
        asked = answer_rows(rows(3), Model(Scripted))
        asking = asyncio.create_task(anext(asked))
        await until(lambda: Scripted.asked)
        asking.cancel()
        await asyncio.wait({asking})
        await asked.aclose()
        assert Scripted.closed.is_set()
        assert asyncio.all_tasks() == before


class TestStopping:
    async def test_lets_rows_under_way_end_and_takes_no_more(self) -> None:
        release, stop = asyncio.Event(), asyncio.Event()
        async with upstream(hold(release)) as server:
            limiter = LocalLimiter(concurrency=3)
            asking = asyncio.create_task(outcomes(at(server.url), 100, limiter=limiter, stop=stop))
            await until(lambda: len(server.seen) >= 3)
            stop.set()
            release.set()
            assert len(await asking) == 3
            assert len(server.seen) == 3

    async def test_does_not_wait_for_ever(self) -> None:
        stop = asyncio.Event()
        async with upstream(hold()) as server:
            asking = asyncio.create_task(outcomes(at(server.url), 100, stop=stop))
            await until(lambda: server.seen)
            stop.set()
            assert await asking == []

    async def test_does_not_wait_for_the_pace(self) -> None:
        stop, limiter = asyncio.Event(), LocalLimiter(per_minute=0.001)
        Scripted.chunks = ["ok"]
        found = []
        async with aclosing(
            answer_rows(rows(5), Model(Scripted), limiter=limiter, stop=stop)
        ) as answered:
            async for row in answered:
                found.append(row)
                stop.set()
        assert len(found) == 1


class TestFailures:
    def test_that_a_server_told_are_told_as_its_answer(self) -> None:
        error = RateLimitError("Slow down.", status=429, code="slow_down")
        row = failure_row(7, "a", error)
        assert row["response"] == {
            "status_code": 429,
            "request_id": "req_7",
            "body": {
                "error": {
                    "message": "Line 7: Slow down.",
                    "type": "rate_limit_error",
                    "param": None,
                    "code": "slow_down",
                }
            },
        }
        assert row["error"] is None

    @pytest.mark.parametrize(
        ("error", "code"),
        [(TransportTimeout("Late."), "transport_timeout"), (StreamError("Cut."), "stream_error")],
    )
    def test_of_other_kinds_are_errors_of_their_own(self, error: Exception, code: str) -> None:
        row = failure_row(7, "a", error)
        assert (row["response"], row["error"]["code"]) == (None, code)
