"""JSON for one line of an event stream; pure."""

from __future__ import annotations

import re

from .._body import encode_json

_BREAK = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_ESCAPED = {b"\xc2\x85": rb"\u0085", b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"}


def encode_line(value: object) -> bytes:
    """Write a value as JSON that every reader takes for one line.

    The standard ends lines at CR and LF alone, and JSON escapes these. But widespread clients
    split at Unicode's other line ends as well, and would lose the event.
    """
    data = encode_json(value)
    if b"\xe2\x80" in data or b"\xc2\x85" in data:
        return _BREAK.sub(lambda found: _ESCAPED[found[0]], data)
    return data


def json_event(value: object) -> bytes:
    """Write an event whose data is a value."""
    return b"data: " + encode_line(value) + b"\n\n"
