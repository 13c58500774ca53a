"""Models that record what another model answers, and models that play it back.

A recording is a file of JSON lines, one for each answer: the pieces as they came, the seconds
that each of them took, and the error at the end if there was one. An answer is found again by a
hash of the chat and its pictures, not by options or by order; asked the same several times, the
recorded answers come in their order, and the last one stays. Prompts are not in the file, answers
are.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import stat
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import msgspec

from . import errors, types
from .errors import DynasparkError, UsageError
from .media import media_items, to_bytes
from .model import Model
from .prompt import pictures_in, turns
from .provider import AsyncGeneratorProvider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from .types import Chunk, MediaListType, Messages

__all__ = ["record", "replay"]

log = logging.getLogger("aiodynaspark.replay")

_CHUNKS = {kind.__name__: kind for kind in get_args(types.Chunk) if kind is not str}
_KEPT = ("status", "code", "retry_after", "partial", "retryable", "retry_once")
"""What is kept of an error; its headers and body may hold what is nobody's business."""

_CAREFUL = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK"))
"""No links are followed, and nobody waits for a pipe; not every system has all of them."""


class _Answer(msgspec.Struct, omit_defaults=True):
    """One line of a recording."""

    model: str
    request: str
    pieces: list[tuple[float, str | dict[str, Any]]]
    seconds_to_end: float = 0.0
    error: dict[str, Any] | None = None


def record(model: Model, file: str | os.PathLike[str], *, name: str | None = None) -> Model:
    """Return a model that answers as ``model`` does and appends each answer to a file.

    The file is made for its owner alone (mode 0600). An answer that was left in the middle, or that
    ended with an error that is not ours, is not recorded.

    Args:
        model: the one to ask.
        file: where to append; a symbolic link is refused, a torn last line is cut off.
        name: what the model is called in the recording, its label where it is not given.

    Raises:
        UsageError: the file cannot be opened.
    """
    path = os.fspath(file)
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    with os.fdopen(descriptor, "r+b") as opened:
        written = opened.read()
        opened.truncate(written.rfind(b"\n") + 1)
    return _Recording(
        model.provider,
        model.name,
        model.options,
        inner=model,
        path=path,
        called=name or model.label,
    )


def replay(file: str | os.PathLike[str]) -> dict[str, Model]:
    """Return the models of a recording by their names; each answers what was recorded of it.

    Raises:
        UsageError: the file cannot be opened, or a line of it is no recorded answer.
    """
    path = os.fspath(file)
    models: dict[str, Model] = {}
    for answer in _read(path):
        model = models.setdefault(answer.model, _Replay(_Replayed, answer.model, path=path))
        assert isinstance(model, _Replay)
        model.answers.setdefault(answer.request, []).append(answer)
    if not models:
        raise UsageError(f"{path} holds no recorded answer; record some with --record first.")
    return models


@dataclass(frozen=True)
class _Recording(Model):
    inner: Model = field(kw_only=True)
    path: str = field(kw_only=True)
    called: str = field(kw_only=True)

    async def stream(
        self, messages: Messages, *, media: MediaListType | None = None, **options: Any
    ) -> AsyncGenerator[Chunk, None]:
        answer = _Answer(self.called, _hash(messages, media), [])
        started = time.monotonic()
        chunks = self.inner.stream(messages, media=media, **options)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    answer.pieces.append((time.monotonic() - started, _packed(chunk)))
                    yield chunk
                    started = time.monotonic()  # what the reader took is not the model's
        except DynasparkError as error:
            answer.error = _packed_error(error)
            self._append(answer, started)
            raise
        self._append(answer, started)

    def _append(self, answer: _Answer, started: float) -> None:
        answer.seconds_to_end = time.monotonic() - started
        # The standard library's JSON carries lone surrogates, which may be part of an answer.
        line = json.dumps(msgspec.to_builtins(answer)).encode() + b"\n"
        descriptor = _open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            if os.write(descriptor, line) < len(line):
                raise DynasparkError(f"{self.path} has no room for another answer; free some.")
        except OSError as error:
            raise DynasparkError(f"{self.path} cannot be written: {error.strerror}.") from error
        finally:
            os.close(descriptor)

    async def open(self, **options: Any) -> None:
        await self.inner.open(**options)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _Replayed(AsyncGeneratorProvider):
    """Stands for the provider that was recorded: it takes whatever that one took."""

    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = True
    supports_media: ClassVar[bool] = True
    supports_tools: ClassVar[bool] = True


@dataclass(frozen=True)
class _Replay(Model):
    path: str = field(default="", kw_only=True)
    answers: dict[str, list[_Answer]] = field(default_factory=dict, kw_only=True, repr=False)
    _played: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    async def stream(
        self, messages: Messages, *, media: MediaListType | None = None, **options: Any
    ) -> AsyncGenerator[Chunk, None]:
        answer = self._next(_hash(messages, media))
        for seconds, piece in answer.pieces:
            await asyncio.sleep(seconds)
            yield _unpacked(piece)
        await asyncio.sleep(answer.seconds_to_end)
        if answer.error is not None:
            raise _unpacked_error(answer.error)

    def _next(self, request: str) -> _Answer:
        recorded = self.answers.get(request)
        if recorded is None:
            raise UsageError(f"{self.path} holds no answer to this request; record it first.")
        count = self._played.get(request, 0)
        self._played[request] = count + 1
        return recorded[min(count, len(recorded) - 1)]


def _hash(messages: Messages, media: MediaListType | None) -> str:
    """Tell a chat with its pictures from others; options do not count."""
    digest = hashlib.sha256()
    for turn in turns(messages):
        digest.update(json.dumps([turn.role, turn.text]).encode())
    for source, _ in [*media_items(media), *media_items(pictures_in(messages))]:
        digest.update(hashlib.sha256(to_bytes(source)).digest())
    return digest.hexdigest()


def _packed(chunk: Chunk) -> str | dict[str, Any]:
    if isinstance(chunk, str):
        return chunk
    packed: dict[str, Any] = msgspec.to_builtins(chunk)
    return {"type": type(chunk).__name__, **packed}


def _unpacked(piece: str | dict[str, Any]) -> Chunk:
    if isinstance(piece, str):
        return piece
    chunk: Chunk = msgspec.convert(piece, _CHUNKS[piece["type"]])
    return chunk


def _packed_error(error: DynasparkError) -> dict[str, Any]:
    kept = {name: getattr(error, name) for name in _KEPT if hasattr(error, name)}
    return {"type": type(error).__name__, "message": str(error), **kept}


def _unpacked_error(packed: dict[str, Any]) -> DynasparkError:
    kind = getattr(errors, packed["type"], DynasparkError)
    error: DynasparkError = kind.__new__(kind)
    error.args = (packed["message"],)
    if issubclass(kind, errors.ResponseError):
        error.__dict__.update(headers={}, body=b"")
    error.__dict__.update({name: packed[name] for name in _KEPT if name in packed})
    return error


def _read(path: str) -> Iterator[_Answer]:
    with os.fdopen(_open(path, os.O_RDONLY), "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                answer = msgspec.convert(json.loads(line), _Answer)
                for _, piece in answer.pieces:
                    _unpacked(piece)
            except (ValueError, KeyError) as error:
                if not line.endswith(b"\n"):
                    log.warning("The last line of %s is cut off and was left out.", path)
                    return
                raise UsageError(
                    f"Line {number} of {path} is no recorded answer; remove it, or record anew."
                ) from error
            yield answer


def _open(path: str, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | _CAREFUL, 0o600)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be opened: {error.strerror}; name a file of yours that is no link."
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is no file; name one.")
    return descriptor
