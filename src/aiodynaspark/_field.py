"""The text of one string member of a JSON object that is still arriving; pure.

The object's top level is read token by token. The string that is wanted is unescaped piece by
piece and never kept; every other member is kept until it is whole and then parsed in one go.
What is usual (a body that comes whole, a piece of nothing but the text) is parsed at once, and
read token by token where that fails. Nothing is read more than three times, so time is linear
however the body is cut.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from . import _json
from .errors import StreamError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FieldDecoder"]

FIELD = "response"
"""The member that is wanted."""

_QUOTED = b'"response"'
_OTHERWISE = re.compile(rb"\\u00[67]")
"""How any other spelling of that name has to begin."""

_SPACES = " \t\n\r"
_SPACE = re.compile(r"[ \t\n\r]++")
_SCALAR_END = re.compile(r'[ \t\n\r,:"\[\]{}]')

_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}

_Step: TypeAlias = "Callable[[FieldDecoder, str, int], int]"


class FieldDecoder:
    """The text of the top-level member ``response`` of a JSON object that is still arriving.

    The body is strict JSON (RFC 8259) in UTF-8 whatever it declares; a byte order mark is skipped,
    bad bytes and lone surrogates become U+FFFD. Members of that name deeper down do not count.

    A fault never costs text: ``feed`` returns what came before it, and the next call raises.

    Attributes:
        members: the other top-level members that are whole so far, by their unescaped key.
    """

    __slots__ = (
        "_answered",
        "_extent",
        "_fault",
        "_inside",
        "_key",
        "_piece",
        "_raw",
        "_rest",
        "_step",
        "members",
    )

    def __init__(self) -> None:
        self.members: dict[str, Any] = {}
        self._answered = False
        self._fault: StreamError | None = None
        self._key: str | None = None
        self._piece = ""
        self._rest = b""
        # A plain function: a bound method would tie the decoder into a cycle.
        self._step: _Step = FieldDecoder._opening
        self._inside = True

    def feed(self, data: bytes) -> str:
        """Take the next bytes of the body and return the text that they complete, "" if none.

        Raises:
            StreamError: the bytes before these held a fault. ``retryable`` is true where the body
                was no answer at all (HTML); ``partial`` is left to the caller, who has the text.
        """
        if self._fault is not None:
            raise self._fault
        data = self._rest + data
        if self._step is FieldDecoder._opening and (text := self._whole(data)) is not None:
            return text
        end = _json.cut(data)
        self._rest, data = data[end:], data[:end]
        if self._step is FieldDecoder._answer:
            try:
                return _json.parse_inside(data)
            except ValueError:
                pass  # the text ends here, or something in it has to be mended or refused
        return self._read(data.decode("utf-8", "replace"))

    def finish(self) -> None:
        """Say that the body has ended; all its text has been returned.

        Raises:
            StreamError: the body is not one whole valid object with that text in it, or it holds
                an ``error``. ``retryable`` is true where the body was empty, HTML or cut.
        """
        if self._rest and self._fault is None and self._step is not FieldDecoder._answer:
            self._read(self._rest.decode("utf-8", "replace"))
        if self._fault is not None:
            raise self._fault
        if self._step is not FieldDecoder._end:
            raise self._cut()
        if not self._answered:
            raise self._unanswered()

    def _whole(self, body: bytes) -> str | None:
        """The text of a usual body that comes in one piece, None where it is to be read closely."""
        if not body.endswith((b"}", b"}\n")) or body.count(_QUOTED) != 1 or _OTHERWISE.search(body):
            return None
        members = _json.parse_usual(body)
        if members is None or "error" in members:
            return None
        text = members.pop(FIELD, None)
        if not isinstance(text, str):
            return None
        self.members = members
        self._answered, self._inside = True, False
        self._step = FieldDecoder._end
        return text

    def _read(self, text: str) -> str:
        self._piece = ""
        at, size = 0, len(text)
        try:
            while at < size:
                if text[at] in _SPACES and not self._inside:
                    at = _space(text, at)
                else:
                    at = self._step(self, text, at)
        except StreamError as fault:
            self._fault = fault.with_traceback(None)
        return self._piece

    # A step takes the text and where it stands in it, and returns where the next one goes on.

    def _opening(self, text: str, at: int) -> int:
        self._inside = False
        self._step = FieldDecoder._object
        return 1 if text[0] == "\ufeff" else 0

    def _object(self, text: str, at: int) -> int:
        if text[at] == "<":
            raise StreamError(
                "The server answered with a page of HTML where JSON was expected; "
                "check that the URL is a Dynaspark endpoint.",
                retry_once=True,
            )
        if text[at] != "{":
            raise StreamError(
                "The server's answer is not a JSON object; "
                "check that the URL is a Dynaspark endpoint."
            )
        self._step = FieldDecoder._first_key
        return at + 1

    def _first_key(self, text: str, at: int) -> int:
        if text[at] == "}":
            self._step = FieldDecoder._end
            return at + 1
        return self._next_key(text, at)

    def _next_key(self, text: str, at: int) -> int:
        if text[at] != '"':
            _not_json("where a key should be")
        self._key = None
        return self._collect_from(text, at)

    def _colon(self, text: str, at: int) -> int:
        if text[at] != ":":
            _not_json("after a key")
        self._step = FieldDecoder._value
        return at + 1

    def _value(self, text: str, at: int) -> int:
        if self._key == FIELD:
            if self._answered or FIELD in self.members:
                raise StreamError(
                    f'The server\'s JSON holds "{FIELD}" twice, so which one is the answer '
                    "is anybody's guess; report it to whoever runs the server."
                )
            if text[at] == '"':
                return self._answer_from(at + 1)
        return self._collect_from(text, at)

    def _after_value(self, text: str, at: int) -> int:
        if text[at] not in ",}":
            _not_json("after a member")
        self._step = FieldDecoder._next_key if text[at] == "," else FieldDecoder._end
        return at + 1

    def _end(self, text: str, at: int) -> int:
        _not_json("after its end")

    def _answer_from(self, at: int) -> int:
        self._answered = self._inside = True
        self._step = FieldDecoder._answer
        return at

    def _answer(self, text: str, at: int) -> int:
        """The text that is wanted, up to its end."""
        try:
            self._piece, end = _json.unescape(text[at:])
        except _json.MalformedError as fault:
            self._piece = fault.before
            _not_json("inside the text")
        if at + end < len(text):
            self._inside = False
            self._step = FieldDecoder._after_value
        return at + end + 1

    def _collect_from(self, text: str, at: int) -> int:
        """A key or a value beside the answer begins: read it at once, or keep it until it ends."""
        if text[at] == '"':
            whole = _json.string_at(text, at)
            if whole:
                return self._collected(*whole)
            self._step = FieldDecoder._collect
        else:
            self._step = FieldDecoder._collect if text[at] in "[{" else FieldDecoder._scalar
        self._inside = True
        self._raw: list[str] = []
        self._extent = _json.Extent()
        return at

    def _collect(self, text: str, at: int) -> int:
        try:
            end = self._extent.find(text, at)
        except _json.TooDeepError:
            _too_deep()
        return self._keep_until(text, at, end)

    def _scalar(self, text: str, at: int) -> int:
        match = _SCALAR_END.search(text, at)
        return self._keep_until(text, at, match.start() if match else None)

    def _keep_until(self, text: str, at: int, end: int | None) -> int:
        self._raw.append(text[at:end])
        if end is None:
            return len(text)
        raw = "".join(self._raw)
        self._raw.clear()
        try:
            value = _json.parse(raw)
        except _json.TooDeepError:
            _too_deep()
        except ValueError:
            _not_json("in a member beside the text")
        return self._collected(value, end)

    def _collected(self, value: Any, end: int) -> int:
        self._inside = False
        if self._key is None:
            self._key = value
            self._step = FieldDecoder._colon
        else:
            self.members[self._key] = value
            self._step = FieldDecoder._after_value
            if self._key == "error" and value is not None:
                raise _reported(value)
        return end

    def _cut(self) -> StreamError:
        if self._step in (FieldDecoder._opening, FieldDecoder._object):
            return StreamError(
                "The server answered with an empty body where JSON was expected; try again later.",
                retry_once=True,
            )
        return StreamError(
            "The server's answer was cut off before its JSON ended; ask again.", retryable=True
        )

    def _unanswered(self) -> StreamError:
        if FIELD in self.members:
            kind = _KINDS[type(self.members[FIELD])]
            return StreamError(
                f'The server\'s JSON has {kind} as "{FIELD}" where the text should be; '
                "ask again or ask another model."
            )
        return StreamError(
            f'The server\'s JSON holds no "{FIELD}"; check that the URL is a Dynaspark endpoint.'
        )


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _reported(error: Any) -> StreamError:
    said = error.get("message") if isinstance(error, dict) else error
    said = one_line(said).rstrip(".") if isinstance(said, str) else ""
    if not said:
        return StreamError("The server reported an error without saying which; try again later.")
    return StreamError(f"The server reported an error: {said}.")


def _not_json(where: str) -> NoReturn:
    raise StreamError(
        f"The server's answer is not valid JSON {where}; "
        "ask again, or report it to whoever runs the server."
    )


def _too_deep() -> NoReturn:
    raise StreamError(
        f"The server's JSON is nested more than {_json.MAX_DEPTH} levels deep; "
        "report it to whoever runs the server."
    )
