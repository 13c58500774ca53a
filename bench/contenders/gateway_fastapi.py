"""The smallest gateway for the form wire that FastAPI's documentation leads to.

``python -m bench.contenders.gateway_fastapi UPSTREAM PORT``
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import aiohttp
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import StreamingResponse

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
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
