"""Faults that are told by the status."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from .profile import profile

if TYPE_CHECKING:
    from .visit import Visit


async def _refuse(visit: Visit, status: int, said: str, *headers: str, code: str = "") -> None:
    error = f'{{"error": {{"message": "{said}", "type": "{code}", "code": "{code}"}}}}'
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    await visit.answer(
        error.encode(), *headers, status=f"{status} {phrase}", content_type="application/json"
    )


@profile()
async def none(visit: Visit) -> None:
    """answers as it should"""
    await visit.answer()


@profile(2)
async def asleep(visit: Visit) -> None:
    """answers the first N requests with 503, then as it should"""
    if visit.number < visit.value:
        await _refuse(visit, 503, "waking up")
    else:
        await visit.answer()


@profile(20)
async def asleep_for(visit: Visit) -> None:
    """answers with 503 for N seconds after the first request, then as it should"""
    if asyncio.get_running_loop().time() < visit.host.since + visit.value:
        await _refuse(visit, 503, "waking up")
    else:
        await visit.answer()


@profile(1)
async def busy(visit: Visit) -> None:
    """answers with 429 and Retry-After of N seconds, always"""
    await _refuse(visit, 429, "too many requests", f"Retry-After: {visit.value:g}")


@profile(3600)
async def patience(visit: Visit) -> None:
    """answers with 503 and Retry-After of N seconds, always"""
    await _refuse(visit, 503, "under maintenance", f"Retry-After: {visit.value:g}")


@profile()
async def quota(visit: Visit) -> None:
    """answers with 429 and insufficient_quota: waiting does not help"""
    await _refuse(visit, 429, "the quota is used up", code="insufficient_quota")


@profile(500)
async def status(visit: Visit) -> None:
    """answers with status N and an error in JSON"""
    await _refuse(visit, int(visit.value), "this is a test")


@profile()
async def redirect(visit: Visit) -> None:
    """redirects to another host with 307"""
    await visit.answer(b"", "Location: http://elsewhere.invalid/", status="307 Temporary Redirect")


@profile()
async def redirect_loop(visit: Visit) -> None:
    """redirects to itself with 307, always"""
    await visit.answer(b"", f"Location: {visit.path}", status="307 Temporary Redirect")


@profile()
async def redirect_get(visit: Visit) -> None:
    """redirects with 303, which would lose the request's body"""
    await visit.answer(b"", f"Location: {visit.path}", status="303 See Other")
