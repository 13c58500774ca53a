"""A model made of models: who is asked, who is left out, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted

from aiodynaspark import ConnectError, Loss, Model, StreamError, UsageError
from aiodynaspark.fallback import Fallback

HELLO = [{"role": "user", "content": "hello"}]
DEAD = ConnectError("Nobody is there.")


def provider(*chunks: Any, **attributes: Any) -> Model:
    return Model(type("One", (Scripted,), {"chunks": list(chunks), "asked": [], **attributes}))


def asked(model: Model) -> int:
    return len(model.provider.asked)  # type: ignore[attr-defined]


def say(model: Model, *chunks: Any) -> None:
    model.provider.chunks = list(chunks)  # type: ignore[attr-defined]


async def collect(model: Model, **options: Any) -> list[Any]:
    return [chunk async for chunk in model.stream(HELLO, **options)]


async def test_the_first_that_answers_answers() -> None:
    models = provider(DEAD), provider("b"), provider("c")
    assert await collect(Fallback.of(models)) == ["b"]
    assert [asked(model) for model in models] == [1, 1, 0]


async def test_where_none_answers_the_last_error_is_raised() -> None:
    both = Fallback.of([provider(DEAD), provider(StreamError("It broke."))])
    with pytest.raises(StreamError, match="It broke"):
        await both.complete(HELLO)


async def test_nothing_is_asked_again_once_something_was_said() -> None:
    second = provider("b")
    both = Fallback.of([provider("a", StreamError("It broke.")), second])
    chunks = both.stream(HELLO)
    assert await anext(chunks) == "a"
    with pytest.raises(StreamError):
        await anext(chunks)
    assert not asked(second)


async def test_five_failures_in_a_row_leave_a_model_out_ever_longer() -> None:
    now = 0.0
    first, second = provider(DEAD), provider("b")
    both = Fallback.of([first, second], clock=lambda: now)
    for times, seconds in ((5, 30.0), (10, 60.0)):
        for _ in range(7):
            assert await collect(both) == ["b"]
        assert asked(first) == times
        now += seconds - 0.1
        await collect(both)
        assert asked(first) == times
        now += 0.2
    say(first, "a")
    assert await collect(both) == ["a"]
    say(first, DEAD)
    for _ in range(6):
        await collect(both)
    assert asked(first) == 16
    now += 30.1  # what came before its success is forgotten
    await collect(both)
    assert asked(first) == 17


async def test_the_last_one_is_never_left_out() -> None:
    models = provider(DEAD), provider(DEAD)
    both = Fallback.of(models, clock=lambda: 0.0)
    for _ in range(20):
        with pytest.raises(ConnectError):
            await collect(both)
    assert [asked(model) for model in models] == [5, 20]


async def test_a_wrong_request_counts_against_nobody() -> None:
    first, second = provider("a"), provider("b", supports_tools=True)
    both = Fallback.of([first, second])
    for _ in range(6):
        assert await collect(both, tools=[{"type": "function"}]) == ["b"]
    assert await collect(both) == ["a"]


async def test_only_the_losses_of_the_one_that_answers_are_told() -> None:
    class Lossy(Scripted):
        @classmethod
        async def create_async_generator(cls, *args: Any, losses: Any, **kwargs: Any) -> Any:
            losses([Loss("option", cls.__name__, "It was lost.")])
            for chunk in cls.chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk

    dead = type("Dead", (Lossy,), {"chunks": [DEAD]})
    fine = type("Fine", (Lossy,), {"chunks": ["b"]})
    told: list[Loss] = []
    assert await collect(Fallback.of([Model(dead), Model(fine)]), losses=told.extend) == ["b"]
    assert [loss.name for loss in told] == ["Fine"]


async def test_it_opens_where_one_of_them_opens() -> None:
    class Shut(Scripted):
        @classmethod
        async def open(cls, **options: Any) -> None:
            raise UsageError("No weights here.")

    async with Fallback.of([Model(Shut), provider("b")]) as both:
        assert both.label == "shut"
    with pytest.raises(UsageError, match="No weights"):
        await Fallback.of([Model(Shut)]).open()


def test_it_needs_a_model() -> None:
    with pytest.raises(UsageError, match="at least one"):
        Fallback.of([])
