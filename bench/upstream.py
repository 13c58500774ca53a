"""The server that all contenders ask: as little work as possible between request and answer.

``python -m bench.upstream [CERTIFICATE KEY]`` prints its port and serves until its input ends.
The path's first part says how to answer: ``/whole/...``, ``/paced-CHUNKS-MILLISECONDS/...``,
``/bulk-CHUNKS/...``, ``/big-MEGABYTES-none|light|many/...``, or ``/asked/...`` for what the prompt
says (``ANSWER_bulk-800_``). The rest of the path chooses the wire. The first chunk of a stream says
when it was sent, on the clock that all processes share. ``/late-MILLISECONDS/WHO/...`` answers
late, and ``/rate/WHO`` tells how many of those there were in a second, from first to last.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
import time
from collections import defaultdict
from functools import cache, partial
from urllib.request import urlopen

ANSWER = "An answer of the usual kind, which says a thing or two and then comes to its end. " * 2
CHUNK = "Nine words make up this chunk of the answer. "
PER_WRITE = 1
"""How many chunks of a bulk stream are sent at a time."""

MB = 1_000_000
BLOCK = 256 * 1024
TEXTS = {
    "none": "The quick brown fox jumps over the lazy dog and goes on. ",
    "light": 'He said \\"hello\\" and went on with a line of the usual length.\\n',
    "many": "\\u0434\\u043e\\u0431\\u0440\\u044b\\u0439 \\ud83d\\ude00",
}


LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)
ASKED = re.compile(rb"ANSWER_([a-z0-9-]+)_")


def now() -> int:
    """Nanoseconds on a clock that is the same in all processes."""
    return time.monotonic_ns()


def head(content_type: str, length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n".encode()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class FormWire:
    content_type = "application/json"
    opening = b'{"response":"'
    closing = b'","model":"bench"}'

    @staticmethod
    def whole() -> bytes:
        return json.dumps({"response": ANSWER, "model": "bench"}).encode()

    @staticmethod
    def piece(text: str) -> bytes:
        return text.encode()


class OpenaiWire:
    content_type = "text/event-stream"
    opening = b""
    closing = b"data: [DONE]\n\n"

    @staticmethod
    def whole() -> bytes:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "bench",
            "choices": [choice],
            "usage": {"prompt_tokens": 9, "completion_tokens": 30, "total_tokens": 39},
        }
        return json.dumps(answer).encode()

    @staticmethod
    def piece(text: str) -> bytes:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        event = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "bench",
            "choices": [choice],
        }
        return b"data: " + json.dumps(event).encode() + b"\n\n"


Wire = type[FormWire] | type[OpenaiWire]


class Asked:
    """When requests came, by the names of those who asked."""

    def __init__(self) -> None:
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    def note(self, who: str) -> None:
        self._times[who].append(time.perf_counter())

    def rate(self, who: str) -> float:
        """Requests per second between the first and the last, which are forgotten."""
        times = self._times.pop(who)
        return (len(times) - 1) / (times[-1] - times[0])


ASKED_LATE = Asked()


def rate(url: str, who: str) -> float:
    """Ask the server at ``url`` how often ``who`` asked it."""
    with urlopen(f"{url}/rate/{who}") as answer:
        return float(answer.read())


@cache
def whole_answer(wire: Wire) -> bytes:
    body = wire.whole()
    return head("application/json", len(body)) + body


@cache
def block(kind: str) -> bytes:
    text = TEXTS[kind].encode()
    return text * (BLOCK // len(text))


class Server(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._skip = 0
        self._respond = partial(self._write, b"")
        self._writable = asyncio.Event()
        self._writable.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self._skip:
            self._skip -= len(data)
            if self._skip <= 0:
                self._skip = 0
                self._respond()
            return
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end >= 0 and (b"/asked/" not in self._data[:end] or self._is_whole(end)):
            self._begin(bytes(self._data[:end]), len(self._data) - end - 4)

    def _is_whole(self, end: int) -> bool:
        """Whether the body is here with the head, so that it can say what is asked for."""
        length = LENGTH.search(self._data, 0, end)
        return length is None or len(self._data) - end - 4 >= int(length[1])

    def _begin(self, request: bytes, have: int) -> None:
        body = bytes(self._data[-have:]) if have else b""
        self._data.clear()
        said = LENGTH.search(request)
        length = int(said[1]) if said else 0
        mode, _, route = request.split(b" ", 2)[1].decode().lstrip("/").partition("/")
        if mode == "asked":
            asked = ASKED.search(body)
            mode = asked[1].decode() if asked else "whole"
        self._respond = partial(self._answer, mode, route)
        self._skip = length - have
        if self._skip <= 0:
            self._skip = 0
            self._respond()

    def _answer(self, mode: str, route: str) -> None:
        wire = OpenaiWire if "chat/completions" in route else FormWire
        kind, *rest = mode.split("-")
        if kind == "whole":
            self._write(whole_answer(wire))
            return
        if kind == "late":
            ASKED_LATE.note(route.partition("/")[0])
            later = asyncio.get_running_loop().call_later
            later(int(rest[0]) / 1000, self._write, whole_answer(wire))
            return
        if kind == "rate":
            said = b"%f" % ASKED_LATE.rate(route)
            self._write(head("text/plain", len(said)) + said)
            return
        if kind == "paced":
            work = self._paced(wire, int(rest[0]), float(rest[1]) / 1000)
        elif kind == "bulk":
            work = self._bulk(wire, int(rest[0]))
        else:
            work = self._big(int(rest[0]) * MB, rest[1])
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)

    def _open(self, wire: Wire) -> None:
        self._write(head(wire.content_type, None))
        first = wire.opening + wire.piece(f"{now()} ")
        self._write(chunked(first))

    async def _paced(self, wire: Wire, chunks: int, pause: float) -> None:
        loop = asyncio.get_running_loop()
        self._open(wire)
        piece = chunked(wire.piece(CHUNK))
        due = loop.time()
        for _ in range(chunks - 1):
            due += pause
            await asyncio.sleep(due - loop.time())
            self._write(piece)
        self._write(chunked(wire.closing) + b"0\r\n\r\n")

    async def _bulk(self, wire: Wire, chunks: int) -> None:
        self._open(wire)
        pieces = chunked(wire.piece(CHUNK)) * PER_WRITE
        for _ in range(chunks // PER_WRITE):
            self._write(pieces)
            await self._writable.wait()
            await asyncio.sleep(0)
        self._write(chunked(wire.closing) + b"0\r\n\r\n")

    async def _big(self, size: int, kind: str) -> None:
        data = block(kind)
        count = size // len(data)
        begin, end = FormWire.opening, FormWire.closing
        self._write(head("application/json", len(begin) + count * len(data) + len(end)) + begin)
        for _ in range(count):
            self._write(data)
            await self._writable.wait()
        self._write(end)


async def main(certificate: list[str]) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
