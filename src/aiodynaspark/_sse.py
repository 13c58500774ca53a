"""Server-sent events as the HTML standard defines them: bytes in, events out, and back; pure."""

from __future__ import annotations

import re

import msgspec

from .errors import StreamError, UsageError

__all__ = ["Event", "EventDecoder", "encode_comment", "encode_event"]

MAX_LINE = 4 * 1024 * 1024
"""How long one line may be, in bytes."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class Event(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        event: its type, ``message`` where the stream names none.
        data: its data lines, joined by line feeds.
        id: the last event id that the stream has set so far, None if it never did.
        retry: the last reconnection time that the stream has asked for, in milliseconds.
    """

    event: str
    data: str
    id: str | None = None
    retry: int | None = None


class EventDecoder:
    """Takes the bytes of an event stream however they are cut.

    Lines end in LF, CR or CRLF; a byte order mark at the start is skipped; bad bytes become
    U+FFFD. Comments and events without data give nothing, so who waits for life counts events.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # the pieces of a line that has not ended
        self._line_size = 0
        self._first = True
        self._after_cr = False
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes and return the events that they complete.

        Raises:
            StreamError: a line is longer than 4 MiB.
        """
        text = self._whole_lines(data)
        if self._first and text:
            self._first = False
            text = text.removeprefix("\ufeff")
        return self._events(text) if text else []

    def finish(self) -> bool:
        """Say that the stream has ended; return whether that was between two events.

        An event that is not whole is dropped, as the standard demands.
        """
        return not (self._line or self._data or self._event)

    def _whole_lines(self, data: bytes) -> str:
        """Return the lines that are whole now, each with its end as LF; keep the rest."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n") + 1
        if not end:
            self._keep(data)
            return ""
        lines = b"".join((*self._line, data[:end]))
        if len(lines) > MAX_LINE and max(map(len, lines.split(b"\n"))) > MAX_LINE:
            raise _too_long()
        self._line.clear()
        self._line_size = 0
        self._keep(data[end:])
        return lines.decode("utf-8", "replace")

    def _keep(self, data: bytes) -> None:
        if data:
            self._line.append(data)
            self._line_size += len(data)
            if self._line_size > MAX_LINE:
                raise _too_long()

    def _events(self, text: str) -> list[Event]:
        events = []
        lines = text.split("\n")
        lines.pop()  # what stands after the last line feed: nothing
        data = self._data
        for line in lines:
            if line.startswith("data: "):
                data.append(line[6:])
            elif line:
                self._field(line)
            else:
                if data:
                    whole = data[0] if len(data) == 1 else "\n".join(data)
                    events.append(Event(self._event or "message", whole, self._id, self._retry))
                    data.clear()
                self._event = ""
        return events

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < 19:
            self._retry = int(value)


def encode_event(data: str, *, event: str | None = None) -> bytes:
    """Write one event; a line end in ``data`` (LF, CR or CRLF) is read back as LF.

    Raises:
        UsageError: the event's type holds a line end.
    """
    if "\n" in data or "\r" in data:
        data = _LINE_END.sub("\ndata: ", data)
    head = ""
    if event is not None:
        if _LINE_END.search(event):
            raise UsageError("An event's type is one line; take the line end out of it.")
        head = f"event: {event}\n"
    return f"{head}data: {data}\n\n".encode(errors="replace")


def encode_comment(text: str = "") -> bytes:
    """Write a comment, which keeps a connection alive and which no reader sees."""
    text = _LINE_END.sub("\n: ", text)
    return f": {text}\n\n".encode(errors="replace")


def _too_long() -> StreamError:
    return StreamError(
        f"The server sent a line of more than {MAX_LINE // 1024**2} MiB in its event stream; "
        "report it to whoever runs the server."
    )
