"""The actor that asks: one for each place in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._version import __version__
from ..errors import DynasparkError
from .leases import Leases
from .shift import Shift
from .travel import unpack

if TYPE_CHECKING:
    from ..batch.rows import Row
    from .shift import Backlog
    from .travel import Parcel


class Turn(NamedTuple):
    """What a worker has done.

    Attributes:
        ended: the rows that have ended.
        figures: the whole cluster's retries and width, where they are known.
        error: what went wrong with all rows.
        is_over: whether the worker asks about no further row.
    """

    ended: list[Row]
    figures: tuple[int, int] | None
    error: DynasparkError | None
    is_over: bool


class Worker:
    """Runs the asynchronous core over the rows that it is given.

    Args:
        name: what no other worker has or had as its name.
        parcel: the model.
        gate: the limiter's actor.
    """

    def __init__(self, name: str, parcel: Parcel, gate: Any) -> None:
        self._name = name
        self._parcel = parcel
        self._gate = gate
        self._shift: Shift | None = None
        self._leases: Leases

    async def open(self) -> tuple[str, DynasparkError | None]:
        """Open the model; return our version here, and what is wrong if anything is."""
        try:
            model = unpack(self._parcel)
            await model.open()
        except DynasparkError as error:
            return __version__, error
        self._shift = Shift(model, self._leases_for)
        return __version__, None

    def _leases_for(self, backlog: Backlog) -> Leases:
        self._leases = Leases(self._gate, self._name, backlog)
        return self._leases

    async def turn(self, rows: list[Row]) -> Turn:
        """Take rows, and return those that have ended meanwhile."""
        assert self._shift is not None, "open the worker first"
        self._shift.put(rows)
        ended = await self._shift.take()
        return Turn(ended, self._leases.figures, self._shift.error, self._shift.is_over)

    async def stop(self) -> None:
        """Begin no further row."""
        if self._shift is not None:
            self._shift.stop()

    async def leave(self) -> None:
        """End, whatever is under way."""
        from ray.actor import exit_actor

        exit_actor()
