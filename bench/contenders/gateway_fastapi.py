"""The smallest gateway for the form wire that FastAPI's documentation leads to.

``python -m bench.contenders.gateway_fastapi UPSTREAM PORT WORKERS``
"""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import aiohttp
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import StreamingResponse
from uvicorn.supervisors import Multiprocess

sessions: list[aiohttp.ClientSession] = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:
        sessions.append(session)
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/generate_response")
async def generate(
    user_input: Annotated[str, Form()], ai_model: Annotated[str, Form()] = ""
) -> StreamingResponse:
    async def relay() -> AsyncIterator[bytes]:
        fields = {"user_input": user_input, "ai_model": ai_model}
        url = sys.argv[1] + "/generate_response"
        async with sessions[0].post(url, data=fields) as answer:
            async for piece in answer.content.iter_any():
                yield piece

    return StreamingResponse(relay(), media_type="application/json")


if __name__ == "__main__":
    config = uvicorn.Config(
        "bench.contenders.gateway_fastapi:app",
        host="127.0.0.1",
        port=int(sys.argv[2]),
        workers=int(sys.argv[3]),
        log_level="warning",
    )
    if config.workers == 1:
        uvicorn.Server(config).run()
    else:
        listener = config.bind_socket()
        # uvicorn leaves Nagle's algorithm on for workers alone: an answer may wait 40 ms for it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Multiprocess(config, sockets=[listener]).run()
