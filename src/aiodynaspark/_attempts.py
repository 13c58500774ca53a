"""Lets whoever asks have a say in whether an attempt that failed is made again."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from .errors import DynasparkError

    Judge: TypeAlias = Callable[[DynasparkError], Awaitable[bool]]

_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


@contextmanager
def judged_by(judge: Judge) -> Iterator[None]:
    """Have ``judge`` say, for each attempt of the current task that failed, if another follows."""
    token = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(token)


async def may_follow(error: DynasparkError) -> bool:
    """Whether another attempt may follow one that failed with ``error``."""
    judge = _judge.get()
    return judge is None or await judge(error)
