"""A host that is waking up, and what is learnt of a host's limits."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from test_transport import ask
from upstream import answer, pieces, until, upstream

from aiodynaspark import Dynaspark
from aiodynaspark._retry import WAKING_WAIT
from aiodynaspark.errors import RateLimitError, ResponseError, TransportTimeout, UpstreamError
from aiodynaspark.server.faults import Host
from aiodynaspark.transport import Transport, exchange
from aiodynaspark.transport.cold_start import LONGEST, ColdStart
from aiodynaspark.transport.deadline import Deadline, Watch


@pytest.fixture
async def transport() -> Any:
    opened = Transport()
    yield opened
    assert not opened.active
    assert not opened.waiting
    await opened.aclose()


class Waking:
    """Answers 503 first; then holds each request until it is let go on."""

    def __init__(self) -> None:
        self.seen = 0
        self.at_once = 0
        self.most = 0
        self.awake = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.Response:
        self.seen += 1
        if self.seen == 1:
            return web.Response(status=503)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.awake.wait()
        self.at_once -= 1
        return web.Response(text="hello")


async def test_one_probe_is_in_flight_and_the_others_wait(transport: Transport) -> None:
    waking = Waking()
    async with upstream(waking) as server:
        asks = [asyncio.create_task(ask(transport, server.url))]
        await until(lambda: transport.cold)
        asks += [asyncio.create_task(ask(transport, server.url)) for _ in range(9)]
        await until(lambda: waking.seen == 2)
        assert transport.waiting == 9
        assert waking.most == 1
        waking.awake.set()
        assert await asyncio.gather(*asks) == [b"hello"] * 10
    assert waking.seen == 11
    assert not transport.cold
    assert transport.retries == 1


async def test_a_page_of_html_may_mean_the_same(transport: Transport) -> None:
    from aiodynaspark import Dynaspark

    page = answer("<html>Loading</html>", content_type="text/html")
    async with upstream(page, answer()) as server:
        chat = [{"role": "user", "content": "hello"}]
        task = asyncio.create_task(
            Dynaspark.create_async("", chat, url=server.url, transport=transport)
        )
        await until(lambda: transport.cold)
        assert await task == "hello"
    assert not transport.cold


async def test_an_error_of_another_kind_shows_that_it_is_awake(transport: Transport) -> None:
    async with upstream(answer("", 503), answer("", 404)) as server:
        with pytest.raises(ResponseError, match="404"):
            await ask(transport, server.url)
        assert not transport.cold


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "NOTICE_AFTER", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_the_user_is_told_once(transport: Transport) -> None:
    told: list[str] = []
    async with Host("asleep:2").listening() as url:
        await ask(transport, url, notify=told.append)
    assert told == ["waking 127.0.0.1 (up to 60 s)"]


@pytest.mark.usefixtures("impatient")
async def test_without_a_listener_it_is_logged(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    async with Host("asleep:1").listening() as url:
        await ask(transport, url)
    assert "waking 127.0.0.1" in caplog.text


async def test_who_is_quick_is_told_nothing(transport: Transport) -> None:
    told: list[str] = []
    async with Host("asleep:1").listening() as url:
        await ask(transport, url, notify=told.append)
    assert told == []


async def test_who_waits_may_leave(transport: Transport) -> None:
    """Cancelled in the queue, in the pause and as the probe: the queue moves on."""
    waking = Waking()
    async with upstream(waking) as server:
        asks = [asyncio.create_task(ask(transport, server.url))]
        await until(lambda: transport.cold)
        asks += [asyncio.create_task(ask(transport, server.url)) for _ in range(4)]
        await until(lambda: transport.waiting == 5)
        asks[0].cancel()  # in the pause before the probe
        asks[2].cancel()  # in the queue
        await until(lambda: waking.seen == 2)
        asks[1].cancel()  # while it is the probe
        await until(lambda: waking.seen == 3)
        waking.awake.set()
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3 + [bytes] * 2


async def test_a_deadline_may_pass_in_the_queue(transport: Transport) -> None:
    waking = Waking()
    async with upstream(waking) as server:
        first = asyncio.create_task(ask(transport, server.url))
        await until(lambda: waking.seen == 2)
        with pytest.raises(TransportTimeout):
            await ask(transport, server.url, timeout=0.05)
        assert waking.seen == 2
        waking.awake.set()
        await first


async def test_the_next_in_the_queue_waits_after_a_failed_probe() -> None:
    """What a probe learnt counts before the next one gets its turn."""
    transport = Transport()
    loop = asyncio.get_running_loop()
    arrived: list[float] = []

    async def asleep(request: web.Request) -> web.Response:
        arrived.append(loop.time())
        return web.Response(status=503)

    async with upstream(asleep) as server:
        asks = [ask(transport, server.url, timeout=2.5) for _ in range(20)]
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {UpstreamError, TransportTimeout}
    probes = arrived[20:]  # the first twenty came before anybody knew
    gaps = [after - before for before, after in pairwise(probes)]
    assert all(gap > WAKING_WAIT * 0.9 for gap in gaps), gaps
    await transport.aclose()


async def test_it_is_over_after_a_minute() -> None:
    cold = ColdStart(100.0)
    assert not cold.is_over(100 + LONGEST)
    assert cold.is_over(101 + LONGEST)
    assert not cold.may_restart(101 + LONGEST)
    assert cold.may_restart(101 + 2 * LONGEST)
    cold.woke()
    assert cold.is_over(100)
    assert cold.may_restart(100)


async def test_a_learnt_limit_makes_later_calls_wait(transport: Transport) -> None:
    full = answer("hello", x_ratelimit_remaining="0", x_ratelimit_reset="0.5")
    async with upstream(full, answer("hello")) as server:
        await ask(transport, server.url)
        later = asyncio.create_task(ask(transport, server.url))
        await until(lambda: transport.waiting == 1)
        assert len(server.seen) == 1
        await ask(transport, server.url, key="another")
        assert len(server.seen) == 2, "limits are apart by key"
        await later


async def test_who_has_queued_waits_for_what_was_learnt_meanwhile() -> None:
    narrow = Transport(connections=1)
    limited = answer("", 429, retry_after="30")
    async with upstream(limited, answer("hello")) as server, upstream(answer("", 503)) as cold:
        first = [asyncio.create_task(ask(narrow, url, retries=0)) for url in (server.url, cold.url)]
        others = [asyncio.create_task(ask(narrow, url)) for url in (server.url, cold.url) * 2]
        await asyncio.sleep(0)  # so that they queue before the next one does
        assert await ask(narrow, server.url, key="another") == b"hello"
        assert len(server.seen) == 2
        assert len(cold.seen) == 1
        for task in others:
            task.cancel()
        outcomes = await asyncio.gather(*first, *others, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[:2]] == [RateLimitError, UpstreamError]
    assert narrow.slots.take()
    await narrow.aclose()


async def test_a_limit_past_the_deadline_fails_now(transport: Transport) -> None:
    async with upstream(answer("", 429, retry_after="30"), answer("hello")) as server:
        with pytest.raises(RateLimitError):
            await ask(transport, server.url, retries=0)
        with pytest.raises(RateLimitError, match="takes no request for another") as caught:
            await ask(transport, server.url, timeout=5)
        assert len(server.seen) == 1
    assert caught.value.retry_after == pytest.approx(30, abs=5)


async def test_who_waits_for_a_limit_may_leave(transport: Transport) -> None:
    async with upstream(answer("", 429, retry_after="30")) as server:
        with pytest.raises(RateLimitError):
            await ask(transport, server.url, retries=0)
        waiting = asyncio.create_task(ask(transport, server.url))
        await until(lambda: transport.waiting == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert transport.waiting == 0


async def test_a_deadline_that_has_passed_lets_nothing_suspend() -> None:
    deadline = Deadline(1e-9, "here", stream=True, watch=Watch())
    with pytest.raises(TransportTimeout, match="did not answer in full"):
        await deadline.bound(asyncio.Event().wait())
    assert deadline.left() < 0


async def test_a_callers_cancellation_is_not_a_timeout() -> None:
    deadline = Deadline(60, "here", stream=True, watch=Watch())
    task = asyncio.create_task(deadline.bound(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_of_the_awaited_is_its_own() -> None:
    async def fails() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await Deadline(60, "here", stream=True, watch=Watch()).bound(fails())


async def test_a_future_fails_where_its_limit_passes_and_only_then() -> None:
    watch = Watch()
    late, done = (asyncio.get_running_loop().create_future() for _ in range(2))
    done.set_result(None)
    await Deadline(1e-9, "here", stream=True, watch=watch).until(done)
    with pytest.raises(TransportTimeout, match="did not answer in full"):
        await Deadline(1e-9, "here", stream=True, watch=watch).until(late)
    await done


async def test_what_is_over_is_not_watched(transport: Transport) -> None:
    gate = asyncio.Event()
    async with upstream(pieces([b'{"response": "one ', b'two"}'], gate)) as server:
        chunks = Dynaspark.create_async_generator(
            "", [{"role": "user", "content": "hello"}], url=server.url, transport=transport
        )
        await anext(chunks)
        rest = asyncio.ensure_future(anext(chunks))
        await until(lambda: transport.watch._watched)
        gate.set()
        await rest
        await chunks.aclose()
    assert not transport.watch._watched


class DueAtOnce(asyncio.SelectorEventLoop):
    """Gives no time to the handle of what is due already, as uvloop does."""

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        if when <= self.time():
            return self.call_soon(callback, *args, context=context)
        return super().call_at(when, callback, *args, context=context)


def test_limits_that_have_passed_on_a_loop_like_uvloop() -> None:
    async def two_pass() -> list[BaseException | bool]:
        watch = Watch()
        limits = [Deadline(1e-9, "here", stream=False, watch=watch) for _ in range(2)]
        waits = [limit.bound(asyncio.Event().wait()) for limit in limits]
        return await asyncio.gather(*waits, return_exceptions=True)

    with asyncio.Runner(loop_factory=DueAtOnce) as runner:
        outcomes = runner.run(two_pass())
    assert [type(outcome) for outcome in outcomes] == [TransportTimeout, TransportTimeout]


async def test_a_limit_holds_where_the_transport_is_closed_meanwhile() -> None:
    watch = Watch()
    waiting = Deadline(0.05, "here", stream=False, watch=watch).bound(asyncio.Event().wait())
    task = asyncio.create_task(waiting)
    await asyncio.sleep(0)
    watch.close()
    with pytest.raises(TransportTimeout):
        await task
