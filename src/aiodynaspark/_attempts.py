"""Tells whoever wants to know of attempts that failed and are made again."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from .errors import DynasparkError

    Listener: TypeAlias = Callable[[DynasparkError], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def told(listener: Listener) -> Iterator[None]:
    """Call ``listener`` with the error of each attempt that the current task makes again."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(error: DynasparkError) -> None:
    """Say that an attempt failed with ``error`` and that another one follows."""
    if (listener := _listener.get()) is not None:
        listener(error)
