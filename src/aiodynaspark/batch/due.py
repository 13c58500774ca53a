"""What is still to be asked: the input's rows without those that are finished or bad."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ..errors import UsageError
from .jobs import parse_job
from .keys import Keys, derived_key
from .rows import failure_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from .jobs import Job
    from .ledger import Ledger
    from .lines import Line, Lines
    from .pictures import Pictures
    from .rows import Row
    from .tally import Tally

    Refuse: TypeAlias = Callable[[Row], Awaitable[None]]

LINES_A_TURN = 1_000
"""Lines that are passed over before other tasks get their turn."""


class _Id(msgspec.Struct):
    custom_id: str | None = None


def survey(lines: Lines, limit: int | None) -> tuple[str, Keys, int]:
    """Look the whole input through: its digest, the rows' own ids, how many rows to ask about.

    Raises:
        UsageError: an id is there twice, or the input is damaged.
    """
    digest, ids, count = blake2b(digest_size=16), Keys(), 0
    decode = msgspec.json.Decoder(_Id).decode
    for line in lines.read():
        count += 1
        digest.update(line.text + b"\n")
        found = None
        if not lines.plain:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                found = decode(line.text).custom_id
        if found and not ids.add(found):
            raise UsageError(
                f"{lines.name}, line {line.number}: the custom_id {found[:80]!r} was there "
                "before; give each row an id of its own."
            )
    return digest.hexdigest(), ids, count if limit is None else min(count, limit)


class Due:
    """The rows of one run.

    Args:
        lines: the input.
        ledger: knows what is finished.
        ids: the ids that rows have of their own.
        pictures: finds what rows name.
        system: what the model is told where a row does not say it itself.
    """

    def __init__(
        self, lines: Lines, ledger: Ledger, ids: Keys, pictures: Pictures, system: str
    ) -> None:
        self._lines = lines
        self._ledger = ledger
        self._ids = ids
        self._pictures = pictures
        self._system = system

    async def rows(
        self, limit: int | None, tally: Tally, *, refuse: Refuse
    ) -> AsyncGenerator[Row, None]:
        """Yield what to ask, in the order of the input; hand bad rows to ``refuse``."""
        for count, line in enumerate(self._lines.read(limit), 1):
            if count % LINES_A_TURN == 0:
                await asyncio.sleep(0)
            job = parse_job(line, plain=self._lines.plain, system=self._system)
            if job.custom_id is not None and self._ledger.has(job.custom_id):
                tally.earlier += 1
                continue
            media = await self._media(job, line)
            key = job.custom_id or await self._key(job, line, media)
            if self._ledger.has(key):
                tally.earlier += 1
            elif job.fault:
                await refuse(failure_row(job.line, key, job.fault))
            else:
                yield _row(job, key, media)

    async def _media(self, job: Job, line: Line) -> list[str | Path]:
        """Check the pictures of a job; what is wrong with one becomes the job's fault."""
        if job.fault or not (job.images or b"image" in line.text):
            return []
        try:
            return await asyncio.to_thread(self._settle, job)
        except UsageError as error:
            job.fault = error
            return []

    def _settle(self, job: Job) -> list[str | Path]:
        self._pictures.settle(job.messages)
        return [self._pictures.find(image) for image in job.images]

    async def _key(self, job: Job, line: Line, media: list[str | Path]) -> str:
        """The key of a row without an id; of equal rows, the later ones get their line's number."""
        asked: Any = [job.messages, job.model, job.options]
        content = line.text if job.fault else asked
        if media:
            key = await asyncio.to_thread(derived_key, content, media)
        else:
            key = derived_key(content)
        return key if self._ids.add(key) else f"{key}-{line.number}"


def _row(job: Job, key: str, media: list[str | Path]) -> Row:
    return {
        "line": job.line,
        "custom_id": key,
        "messages": job.messages,
        "model": job.model,
        "media": [
            picture if isinstance(picture, str) else (picture, picture.name) for picture in media
        ],
        "options": job.options,
    }
