"""LangChain asks a Dynaspark server over OpenAI's wire; start one with ``dynaspark serve``."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai import OpenAI

URL = os.environ.get("DYNASPARK_URL", "http://127.0.0.1:8317") + "/v1"
KEY = os.environ.get("DYNASPARK_API_KEY", "unused")
INVOICE = Path(__file__).parents[1] / "invoice.png"


def picture(path: Path) -> dict[str, object]:
    """A picture as a part of a message."""
    data = b64encode(path.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


with OpenAI(base_url=URL, api_key=KEY) as server:
    first = server.models.list().data[0].id

model = ChatOpenAI(model=first, base_url=URL, api_key=KEY, max_retries=0)

for piece in model.stream([SystemMessage("Be brief."), HumanMessage("What is HTTP?")]):
    print(piece.text, end="", flush=True)
print()

question = {"type": "text", "text": "What is the total?"}
print(model.invoke([HumanMessage([question, picture(INVOICE)])]).text)
