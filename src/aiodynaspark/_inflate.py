"""Compressed bodies (gzip, deflate, Brotli) back into bytes, piece by piece; pure.

However much a body swells, no more than one piece is made ahead of who takes it: count the
pieces and stop when there are too many.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from .errors import StreamError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Inflater", "accept_encoding"]

PIECE = 64 * 1024
"""The most that is handed on at a time, in bytes."""

WINDOW = 16 * 1024
"""The most that a decoder is given at a time, in bytes: it copies what it has not used yet."""

MAX_ENCODINGS = 4


def accept_encoding() -> str:
    """The value of an Accept-Encoding header: what can be decoded here and nothing else."""
    return "gzip, deflate, br" if _brotli() else "gzip, deflate"


class Inflater:
    """Undoes the Content-Encoding of one body.

    Args:
        encodings: the header's value, several encodings in the order in which they were applied;
            None or an empty one leaves the bytes as they are.

    Raises:
        StreamError: an encoding is unknown here, or there are too many.
    """

    def __init__(self, encodings: str | None) -> None:
        names = [name.strip().lower() for name in (encodings or "").split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > MAX_ENCODINGS:
            raise StreamError(
                f"The server compressed its answer more than {MAX_ENCODINGS} times over; "
                "report it to whoever runs the server."
            )
        self._stages = [_stage(name) for name in reversed(names)]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes of the body; iterate what they become, at most 64 KiB a piece.

        Take all the pieces before the next call, or none ever again.

        Raises:
            StreamError: while iterating: the bytes are damaged.
        """
        pieces = _cut(data, PIECE)
        for stage in self._stages:
            pieces = chain.from_iterable(map(stage.feed, pieces))
        return iter(pieces)

    def finish(self) -> None:
        """Say that the body has ended; all its bytes have been handed on.

        Raises:
            StreamError: the body was cut; ``retryable`` is true.
        """
        for stage in self._stages:
            stage.finish()


class _Stage(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


def _stage(name: str) -> _Stage:
    if name in ("gzip", "x-gzip"):
        return _Zlib("gzip")
    if name == "deflate":
        return _Zlib("deflate")
    if name == "br" and (brotli := _brotli()):
        return _Brotli(brotli)
    raise StreamError(
        f'The server sent its answer in the encoding "{one_line(name, 40)}", which cannot be '
        f"decoded here; it was offered {accept_encoding()}, so report it to whoever runs it."
    )


class _Zlib:
    """gzip, one member after another; deflate, with zlib's header or without."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stream: zlib._Decompress | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for window in _cut(data, WINDOW):
            yield from self._inflate(window)

    def finish(self) -> None:
        if self._stream is not None:
            raise _truncated(self._name)

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        out = b""
        while data or len(out) == PIECE:
            stream = self._stream or self._begin(data)
            try:
                out = stream.decompress(data, PIECE)
            except zlib.error:
                raise _damaged(self._name) from None
            if out:
                yield out
            data = stream.unconsumed_tail
            if stream.eof:
                data, out = stream.unused_data, b""
                self._stream, self._ended = None, True

    def _begin(self, data: bytes) -> zlib._Decompress:
        if self._name == "gzip":
            bits = 16 + zlib.MAX_WBITS
        elif self._ended:
            raise _damaged(self._name)
        else:
            # zlib's header begins with the method, 8; no encoder begins bare deflate so.
            bits = zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS
        self._stream = zlib.decompressobj(bits)
        return self._stream


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._stream = brotli.Decompressor()
        self._error: type[Exception] = brotli.error
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for window in _cut(data, WINDOW):
            self._begun = True
            out = self._process(window)
            while out:
                yield from _cut(out, PIECE)
                out = self._process(b"")

    def finish(self) -> None:
        if self._begun and not self._stream.is_finished():
            raise _truncated("br")

    def _process(self, data: bytes) -> bytes:
        if self._stream.is_finished():
            if data:
                raise _damaged("br")
            return b""
        try:
            # Much less than a piece: the limit only keeps the output from growing further.
            out: bytes = self._stream.process(data, output_buffer_limit=PIECE // 4)
        except self._error:
            raise _damaged("br") from None
        return out


@cache
def _brotli() -> Any:
    """The Brotli module if one is installed whose output can be limited, else None."""
    for name in ("brotli", "brotlicffi"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module.Decompressor, "can_accept_more_data"):  # came with the limit
            return module
    return None


def _cut(data: bytes, size: int) -> Iterable[bytes]:
    if len(data) <= size:
        return (data,) if data else ()
    return (data[at : at + size] for at in range(0, len(data), size))


def _truncated(name: str) -> StreamError:
    return StreamError(
        f"The server's answer was cut off before its {name} data ended; ask again.", retryable=True
    )


def _damaged(name: str) -> StreamError:
    return StreamError(
        f"The server's answer is not valid {name} data, although it says so; "
        "ask again, or report it to whoever runs the server."
    )
