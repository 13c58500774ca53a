"""Reads a posted form, urlencoded or multipart, within limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from ..errors import UnsupportedMedia, UsageError
from ..media import MAX_SIZE, inspect
from .bodies import read_body
from .refusals import too_large

if TYPE_CHECKING:
    from aiohttp import MultipartReader

MAX_FIELDS = 100
MAX_TEXT = 8 * 1024 * 1024
"""Bytes of one text field."""


@dataclass(slots=True)
class Form:
    """A form's text fields, and the picture it carries, if any."""

    fields: dict[str, str] = field(default_factory=dict)
    picture: bytes | None = None
    picture_name: str | None = None


async def read_form(request: web.Request) -> Form:
    """Read a request's form; its picture has passed the strict gate.

    Raises:
        UsageError: the body is no form, or has too many or too large fields.
        UnsupportedMedia: the file is no picture that is taken here.
    """
    if request.content_type == "application/x-www-form-urlencoded":
        return Form(_parse_urlencoded(await read_body(request)))
    if request.content_type != "multipart/form-data":
        raise UsageError(
            "This route takes a form: send application/x-www-form-urlencoded, "
            "or multipart/form-data with a picture."
        )
    try:
        parts = await request.multipart()
        return await _read_parts(parts, _Allowance(request.client_max_size))
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError) as error:
        if isinstance(error, UnsupportedMedia):
            raise
        raise UsageError("The multipart body is malformed; send it as RFC 7578 has it.") from error


def _parse_urlencoded(body: bytes) -> dict[str, str]:
    if body.count(b"&") >= MAX_FIELDS or not body.isascii():
        raise UsageError(
            f"The form is malformed or has more than {MAX_FIELDS} fields; percent-encode it."
        )
    decode = unquote if b"%" in body else str
    fields: dict[str, str] = {}
    for pair in body.decode("ascii").replace("+", " ").split("&"):
        name, _, value = pair.partition("=")
        fields.setdefault(decode(name), decode(value))
    return fields


class _Allowance:
    """How many bytes all parts together may still have."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise too_large(self._most)


async def _read_parts(parts: MultipartReader, allowance: _Allowance) -> Form:
    form = Form()
    count = 0
    async for part in parts:
        count += 1
        if count > MAX_FIELDS or not isinstance(part, BodyPartReader):
            raise UsageError(f"A form has at most {MAX_FIELDS} plain fields here.")
        if part.name == "file" and part.filename is not None:
            await _take_picture(form, part, allowance)
        elif part.name is not None:
            text = (await _read_part(part, MAX_TEXT, allowance)).decode("utf-8", "replace")
            form.fields.setdefault(part.name, text)
    return form


async def _take_picture(form: Form, part: BodyPartReader, allowance: _Allowance) -> None:
    data = await _read_part(part, MAX_SIZE, allowance)
    if form.picture is not None:
        raise UsageError("This wire carries one picture; send one file.")
    if data or part.filename:  # a browser sends an empty part where no file was chosen
        inspect(data)
        form.picture, form.picture_name = data, part.filename or None


async def _read_part(part: BodyPartReader, most: int, allowance: _Allowance) -> bytes:
    data = bytearray()
    while piece := await part.read_chunk(64 * 1024):
        allowance.take(len(piece))
        data += piece
        if len(data) > most:
            raise UsageError(f"The field {part.name!r} is larger than {most} bytes.")
    return bytes(data)
