"""A real server on loopback whose answers a test scripts, and one that speaks raw bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition holds."""
    while not condition():
        await asyncio.sleep(0.001)


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


@dataclass
class Upstream:
    """Answers each request with the next handler of its script; the last one stays."""

    url: str = ""
    script: list[Handler] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.path_qs, headers, await request.read()))
        handler = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await handler(request)

    def open_connections(self) -> int:
        return sum(
            transport is not None and not transport.is_closing() for transport in self.connections
        )


@asynccontextmanager
async def upstream(*script: Handler) -> AsyncIterator[Upstream]:
    """Run a scripted server while inside."""
    server = Upstream(script=list(script))
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def answer(
    body: str | bytes = '{"response": "hello"}', status: int = 200, **headers: str
) -> Handler:
    """Answer with one body; underscores in header names become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(request: web.Request) -> web.Response:
        data = body.encode() if isinstance(body, str) else body
        return web.Response(body=data, status=status, headers=named)

    return handler


def pieces(parts: Iterable[bytes], gate: asyncio.Event | None = None, cut: bool = False) -> Handler:
    """Answer in pieces; after the first one wait for the gate; in the end maybe break off."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for index, part in enumerate(parts):
            if index == 1 and gate is not None:
                await gate.wait()
            await response.write(part)
        if cut:
            assert request.transport is not None
            request.transport.close()
        return response

    return handler


def hold(release: asyncio.Event | None = None) -> Handler:
    """Say nothing until released, or for ever."""

    async def handler(request: web.Request) -> web.Response:
        await (release or asyncio.Event()).wait()
        return web.Response(text='{"response": "late"}')

    return handler


@asynccontextmanager
async def raw_server(*answers: bytes, keep_open: bool = False) -> AsyncIterator[str]:
    """Run a server that reads a request's head and answers with bytes as they are."""
    queue = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(queue.pop(0) if len(queue) > 1 else queue[0])
            await writer.drain()
            if keep_open:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def events(*data: str | dict[str, Any], done: bool = True) -> bytes:
    """Server-sent events of texts, or of objects as JSON; ``[DONE]`` after them."""
    texts = [item if isinstance(item, str) else json.dumps(item) for item in data]
    return "".join(f"data: {text}\n\n" for text in [*texts, *(["[DONE]"] if done else [])]).encode()


def delta(content: str | None = None, *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of a streamed chat completion, as an endpoint of OpenAI's kind sends it."""
    message = {**({} if content is None else {"content": content}), **more.pop("message", {})}
    choice = {"index": more.pop("index", 0), "delta": message, "finish_reason": finish}
    if "logprobs" in more:
        choice["logprobs"] = more.pop("logprobs")
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-1"}
    return {**about, "choices": [choice], **more}
