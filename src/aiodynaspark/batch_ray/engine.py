"""The driver: deals rows out to the workers of a cluster, and yields what becomes of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .. import batch
from ..errors import ConnectError, UsageError
from .cluster import check, opened, watch
from .gate import Gate
from .post import Feed, Post
from .travel import pack
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ..batch import Jobs, Tally
    from ..batch.rows import Row
    from ..model import Model
    from .travel import Parcel

WAITING = 512
"""Ended rows that may wait to be fetched before further ones are held up."""

TIMES = 4
"""A worker has so many times the rows that it may ask at once, so that none waits for the next."""


async def run(
    jobs: Jobs,
    model: Model,
    *,
    address: str | None = None,
    workers: int | None = None,
    **settings: Any,
) -> Tally:
    """Ask a model about each row of an input, from the workers of a Ray cluster.

    Input, output, errors and manifest are those of ``aiodynaspark.batch.run``, and either goes on
    where the other was cut off: this process alone reads and writes.

    Args:
        jobs: see ``aiodynaspark.batch.run``.
        model: what to ask; a key it has must be a variable's value here and on each node.
        address: ``HOST:PORT`` of the cluster, or ``auto``; None for ``RAY_ADDRESS``, else for a
            Ray that is started for as long as the run takes, on this machine alone.
        workers: how many; None for as many as the cluster has CPUs.
        **settings: see ``aiodynaspark.batch.run``; ``concurrency`` and ``rpm`` are for all workers
            together.

    Raises:
        UsageError: Ray is missing or another version, the model cannot travel, or as there.
        ConnectError: there is no cluster at the address, or no more, or as there.
        DynasparkError: workers keep dying, or as there.
    """
    if workers is not None and workers < 1:
        raise UsageError("workers must be a number above zero.")
    parcel = pack(model)
    await check(address)
    engine = partial(RayEngine, parcel=parcel, address=address, workers=workers)
    return await batch.run(jobs, model, engine=engine, **settings)


class RayEngine:
    """Asks from the workers of a cluster.

    Attributes:
        retries: attempts that were made again.
        concurrency: how many rows may be under way in the whole cluster.

    Args:
        concurrency: rows under way at once; None adapts it to how it goes.
        rpm: requests per minute at most, retries included; None for no such limit.
        parcel: the model.
        address: the cluster's; see ``run``.
        workers: how many; None for as many as there are CPUs.
    """

    def __init__(
        self,
        concurrency: int | None,
        rpm: float | None,
        *,
        parcel: Parcel,
        address: str | None,
        workers: int | None,
    ) -> None:
        self.retries = 0
        self.concurrency = concurrency or 8
        self._limits = concurrency, rpm
        self._parcel = parcel
        self._address = address
        self._workers = workers or 1
        self._adapts_workers = workers is None

    async def answer(
        self,
        rows: AsyncIterator[Row],
        model: Model,  # the parcel is it
        *,
        stop: asyncio.Event,
    ) -> AsyncGenerator[Row, None]:
        """Ask about each row, and yield what became of it."""
        async with opened(self._address) as ray:
            if self._adapts_workers:
                self._workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
            outcomes: asyncio.Queue[Row | BaseException | None] = asyncio.Queue(WAITING)
            work = asyncio.create_task(self._run(ray, Feed(rows), outcomes, stop))
            try:
                while (outcome := await outcomes.get()) is not None:
                    if isinstance(outcome, BaseException):
                        raise outcome
                    yield outcome
            finally:
                work.cancel()
                await asyncio.wait({work})

    async def _run(
        self,
        ray: Any,
        feed: Feed,
        outcomes: asyncio.Queue[Row | BaseException | None],
        stop: asyncio.Event,
    ) -> None:
        gate = new_gate(ray, *self._limits)
        posts = [self._post(ray, gate, feed, outcomes) for _ in range(self._workers)]
        working = {asyncio.create_task(post.run()) for post in posts}
        beside = {
            asyncio.create_task(_stop(stop, feed, posts)),
            asyncio.create_task(_watch(ray, gate, outcomes)),
        }
        try:
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_EXCEPTION)
            self._note(*await gate.figures.remote())
        except Exception as error:
            await outcomes.put(error)
        else:
            await outcomes.put(next(filter(None, (task.exception() for task in done)), None))
        finally:
            for task in working | beside:
                task.cancel()
            await asyncio.wait(working | beside)

    def _note(self, retries: int, concurrency: int) -> None:
        self.retries, self.concurrency = retries, concurrency

    def _post(
        self,
        ray: Any,
        gate: Any,
        feed: Feed,
        outcomes: asyncio.Queue[Row | BaseException | None],
    ) -> Post:
        # No CPU is asked for: a worker waits for the network, and must not wait for a free one.
        actor = ray.remote(Worker).options(num_cpus=0, scheduling_strategy="SPREAD")

        def hire() -> tuple[str, Any]:
            name = uuid4().hex
            return name, actor.remote(name, self._parcel, gate)

        def dismiss(name: str, worker: Any) -> None:
            worker.leave.remote()  # ray.kill would wait for the head, which may be no more
            gate.forget.remote(name)

        return Post(
            hire=hire,
            dismiss=dismiss,
            feed=feed,
            window=self._window,
            hand_in=outcomes.put,
            note=self._note,
            death=ray.exceptions.RayActorError,
        )

    def _window(self) -> int:
        return TIMES * -(-self.concurrency // self._workers)


async def _stop(stop: asyncio.Event, feed: Feed, posts: list[Post]) -> None:
    await stop.wait()
    feed.end()
    for post in posts:
        post.stop()


async def _watch(ray: Any, gate: Any, outcomes: asyncio.Queue[Row | BaseException | None]) -> None:
    try:
        await watch(ray, gate)
    except ConnectError as error:
        await outcomes.put(error)


def new_gate(ray: Any, concurrency: int | None, rpm: float | None) -> Any:
    """Start the one limiter, on the machine of the driver: without that, all is over anyway."""
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    actor = ray.remote(Gate).options(num_cpus=0, scheduling_strategy=here)
    return actor.remote(concurrency, rpm)
