"""Strict JSON (RFC 8259) for a reader that has only a part of it; pure."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

__all__ = [
    "MAX_DEPTH",
    "Extent",
    "MalformedError",
    "TooDeepError",
    "cut",
    "parse",
    "parse_inside",
    "parse_usual",
    "string_at",
    "unescape",
]

MAX_DEPTH = 200
"""How many arrays and objects may stand inside each other in one value."""

_IN_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_MARK = re.compile(r'["\[\]{}]')
_HIGH = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_HALF_ESCAPE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}|\\(?:u[0-9a-fA-F]{0,3})?")
_HALF_CHARACTER = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # Python refuses to read very long ones, since that takes quadratic time
        return float(digits)


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_int=_integer)
_inside = msgspec.json.Decoder(str)
_usual = msgspec.json.Decoder(dict[str, Any])

_quote = json.JSONEncoder(ensure_ascii=False).encode


class MalformedError(ValueError):
    """The inside of a string is not strict JSON.

    Attributes:
        before: the text that stands before the fault.
    """

    def __init__(self, before: str) -> None:
        super().__init__("not the inside of a JSON string")
        self.before = before


class TooDeepError(ValueError):
    """A value is nested more than ``MAX_DEPTH`` levels deep."""


def parse(raw: str) -> Any:
    """Parse one whole value; lone surrogates become U+FFFD.

    Raises:
        ValueError: it is not strict JSON.
    """
    try:
        value = _DECODER.decode(raw)
        return json.loads(_mend(_quote(value))) if "\\u" in raw else value
    except RecursionError:
        raise TooDeepError from None


def parse_usual(body: bytes) -> dict[str, Any] | None:
    """Parse an object at once; None where only ``parse`` can tell what it is."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        return None
    try:
        return _usual.decode(body)
    except ValueError:
        return None


def string_at(text: str, at: int) -> tuple[str, int] | None:
    """Parse the string that begins at ``at``; return it and where it ends, None if it does not."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        return None
    return value if value.isascii() else _mend(value), end


def cut(data: bytes) -> int:
    """Where the character or escape begins that the end of ``data`` cuts; its length if none.

    An escaped high surrogate is cut as long as the escape after it is not whole.
    """
    size = len(data)
    if half := _HALF_CHARACTER.search(data, max(0, size - 3)):
        return half.start()
    at = data.rfind(b"\\", max(0, size - 6))
    if at < 0 or not _HALF_ESCAPE.fullmatch(data, at) or not _is_escape(data, at):
        return size
    before = at - 6
    if before >= 0 and _HIGH.match(data, before) and _is_escape(data, before):
        return before
    return at


def parse_inside(data: bytes) -> str:
    """Parse the inside of a string, all of it and at once.

    Raises:
        ValueError: the string ends in it, or it is not strict JSON in UTF-8; ``unescape`` tells.
    """
    return _inside.decode(b'"%b"' % data)


def unescape(inside: str) -> tuple[str, int]:
    """Parse the inside of a string up to its closing quote, or to the end where it has none.

    Returns:
        The text, and where in ``inside`` the closing quote stands; its length if it has none.

    Raises:
        MalformedError: with the text before the fault.
    """
    try:
        text, end = _DECODER.raw_decode(f'"{inside}"')
    except json.JSONDecodeError as error:
        before = inside[: error.pos - 1].encode()  # the quote put in front counts
        raise MalformedError(unescape(before[: cut(before)].decode())[0]) from None
    mended = text if text.isascii() or "\\u" not in inside else _mend(text)
    return mended, end - 2


def _is_escape(data: bytes, at: int) -> bool:
    """Whether the backslash at ``at`` is not itself escaped."""
    return (at - len(data[:at].rstrip(b"\\"))) % 2 == 0


def _mend(text: str) -> str:
    """Replace lone surrogates by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Extent:
    """Finds where a string, array or object ends, whichever way it is cut."""

    __slots__ = ("_depth", "_escaped", "_in_string")

    def __init__(self) -> None:
        self._depth = 0
        self._escaped = False
        self._in_string = False

    def find(self, text: str, at: int) -> int | None:
        """Go on at ``at``; return the index after the value's end, None where it is not there.

        Raises:
            TooDeepError: it is nested too deep to be parsed.
        """
        while at < len(text):
            at = self._string(text, at) if self._in_string else self._marks(text, at)
            if not self._depth and not self._in_string:
                return at
        return None

    def _string(self, text: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        match = _IN_STRING.match(text, at)
        at = match.end() if match else at
        if text.startswith('"', at):
            self._in_string = False
        else:
            self._escaped = text.startswith("\\", at)
        return at + 1

    def _marks(self, text: str, at: int) -> int:
        mark = _MARK.search(text, at)
        if mark is None:
            return len(text)
        if mark[0] == '"':
            self._in_string = True
        else:
            self._depth += 1 if mark[0] in "[{" else -1
            if self._depth > MAX_DEPTH:
                raise TooDeepError
        return mark.end()
