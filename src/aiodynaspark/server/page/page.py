"""``/`` and ``/page/NAME``: the chat page's files, which may load nothing but themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from aiohttp import ETag, web

routes = web.RouteTableDef()

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' blob:",  # the pictures that the user attaches
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",  # no text becomes HTML, whoever writes the script
    ]
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # kept, and asked about by its ETag
}
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One of the page's files."""

    body: bytes
    content_type: str
    tag: str


@routes.get("/")
async def index(request: web.Request) -> web.Response:
    """Hand out the page."""
    return _answer(request, assets()["index.html"])


@routes.get("/page/{name}")
async def asset(request: web.Request) -> web.Response:
    """Hand out a file of the page."""
    found = assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return _answer(request, found)


@cache
def assets() -> dict[str, Asset]:
    """The page's files by name, read from the package once."""
    folder = resources.files(__package__) / "static"
    return {entry.name: _read(entry.name, entry.read_bytes()) for entry in folder.iterdir()}


def _read(name: str, body: bytes) -> Asset:
    suffix = name[name.rindex(".") :]
    return Asset(body, TYPES[suffix], hashlib.sha256(body).hexdigest()[:32])


def _answer(request: web.Request, found: Asset) -> web.Response:
    known = any(tag.value in (found.tag, "*") for tag in request.if_none_match or ())
    response = (
        web.Response(status=304, headers=HEADERS)
        if known
        else web.Response(
            body=found.body, content_type=found.content_type, charset="utf-8", headers=HEADERS
        )
    )
    response.etag = ETag(found.tag)
    return response
