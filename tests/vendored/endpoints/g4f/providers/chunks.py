from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any


async def joined(chunks: AsyncIterator[Any]) -> str:
    return "".join([str(chunk) async for chunk in chunks])
