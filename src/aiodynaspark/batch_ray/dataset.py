"""The same asking as a stage of a Ray Dataset."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..batch.jobs import OF_A_PROMPT, parse_job
from ..batch.lines import Line
from ..batch.rows import failure_row
from ..errors import UsageError
from .cluster import load
from .engine import new_gate
from .leases import Leases
from .shift import Shift
from .travel import pack, unpack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..batch.rows import Row
    from ..model import Model
    from .travel import Parcel


def map_batches(
    dataset: Any,
    model: Model,
    *,
    workers: int = 2,
    batch_size: int = 256,
    concurrency: int | None = None,
    rpm: float | None = None,
    system: str = "",
) -> Any:
    """Add the columns ``answer`` and ``error`` to a Ray Dataset; one of them is null in each row.

    The column ``prompt`` is asked; ``system``, ``model``, ``image`` (a ``data:`` URI) and options
    such as ``max_tokens`` are columns too, where they are there. All other columns stay as they
    are, and so do the rows' number and ids, which is what Ray's checkpoints want.

    Args:
        dataset: a ``ray.data.Dataset``.
        model: what to ask; a key it has must be a variable's value here and on each node.
        workers: how many actors ask.
        batch_size: rows that an actor takes at a time.
        concurrency: rows under way at once in the whole cluster; None adapts it to how it goes.
        rpm: requests per minute of the whole cluster, retries included.
        system: what the model is told where a row does not say it itself.

    Returns:
        A dataset that asks when it is consumed; a refused key or a lost server fails its job.

    Raises:
        UsageError: Ray is missing, or the model cannot travel.
    """
    ray = load()
    given = {"parcel": pack(model), "gate": new_gate(ray, concurrency, rpm), "system": system}
    return dataset.map_batches(
        Stage,
        fn_constructor_kwargs=given,
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=0,
    )


class Stage:
    """What Ray calls in each actor.

    Args:
        parcel: the model.
        gate: the limiter's actor.
        system: what the model is told where a row does not say it itself.
    """

    def __init__(self, parcel: Parcel, gate: Any, system: str) -> None:
        self._model = unpack(parcel)
        self._gate = gate
        self._system = system

    async def __call__(self, table: Any) -> AsyncIterator[Any]:
        """Ask about a table's rows; yield the table with two columns more."""
        await self._model.open()
        ended = await self._ask([self._row(*row) for row in enumerate(table.to_pylist())])
        texts = [_text(ended[str(number)]) for number in range(table.num_rows)]
        answers, errors = zip(*texts, strict=True)
        yield _with(table, answer=answers, error=errors)

    def _row(self, number: int, columns: dict[str, Any]) -> Row:
        known = {name: columns[name] for name in columns.keys() & (OF_A_PROMPT - {"custom_id"})}
        job = parse_job(Line(number, json.dumps(known, default=str).encode()), system=self._system)
        if not all(image.startswith("data:") for image in job.images):
            job.fault = UsageError("image must be a data URI here: workers have no files.")
        if job.fault:
            return failure_row(number, str(number), job.fault)
        row = {"line": number, "custom_id": str(number), "messages": job.messages}
        return {**row, "model": job.model, "media": job.images, "options": job.options}

    async def _ask(self, rows: list[Row]) -> dict[str, Row]:
        ended = {row["custom_id"]: row for row in rows if "response" in row}
        asked = [row for row in rows if "response" not in row]
        name = uuid4().hex
        shift = Shift(self._model, partial(Leases, self._gate, name))
        shift.put(asked)
        try:
            while len(ended) < len(rows):
                ended |= {row["custom_id"]: row for row in await shift.take()}
                if shift.error is not None:
                    raise shift.error
        finally:
            await shift.aclose()
            self._gate.forget.remote(name)
        return ended


def _text(row: Row) -> tuple[str | None, str | None]:
    if row["error"] is not None:
        return None, row["error"]["message"]
    body = row["response"]["body"]
    if "error" in body:
        return None, body["error"]["message"]
    return body["choices"][0]["message"]["content"], None


def _with(table: Any, **columns: Any) -> Any:
    import pyarrow as pa  # comes with Ray

    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table
