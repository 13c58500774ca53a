"""Answers for a terminal, without what could drive it. Pure."""

from __future__ import annotations

import re

LONGEST = 4096
"""Characters after which a string sequence that does not end is taken for text again."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STRING_END = re.compile(r"[\x07\x1b\x9c]")
_CSI_GOES_ON = re.compile(r"[ -?]*")
_INTERMEDIATES = re.compile(r"[ -/]*")


class Harmless:
    """Strips C0 and C1 controls and escape sequences (ECMA-48), wherever the text is cut."""

    def __init__(self) -> None:
        self._state = self._text
        self._swallowed = 0

    def feed(self, text: str) -> str:
        """Return what of the text may be printed; line breaks and tabs stay."""
        shown: list[str] = []
        at = 0
        while at < len(text):
            at = self._state(text, at, shown)
        return "".join(shown)

    # A state takes the text and a place in it, and returns the place to go on from.

    def _text(self, text: str, at: int, shown: list[str]) -> int:
        control = _CONTROL.search(text, at)
        if control is None:
            shown.append(text[at:])
            return len(text)
        shown.append(text[at : control.start()])
        if control[0] == "\x1b":
            self._state = self._escape
        elif control[0] == "\x9b":
            self._state = self._csi
        elif control[0] in "\x90\x98\x9d\x9e\x9f":
            self._begin_string()
        return control.end()

    def _escape(self, text: str, at: int, shown: list[str]) -> int:
        """After ESC: what kind of sequence it is."""
        at = _end(_INTERMEDIATES, text, at)
        if at == len(text):
            return at
        if text[at] == "[":
            self._state = self._csi
        elif text[at] in "]PX^_":
            self._begin_string()
        else:
            self._state = self._text
            return at + 1 if " " <= text[at] <= "~" else at
        return at + 1

    def _csi(self, text: str, at: int, shown: list[str]) -> int:
        """Inside colours, cursor movements and the like, up to the final character."""
        at = _end(_CSI_GOES_ON, text, at)
        if at == len(text):
            return at
        self._state = self._text
        return at + 1 if " " <= text[at] <= "~" else at

    def _begin_string(self) -> None:
        self._state = self._string
        self._swallowed = 0

    def _string(self, text: str, at: int, shown: list[str]) -> int:
        """Inside a title, a link, a device command: up to BEL or ST, or for so long."""
        limit = at + LONGEST - self._swallowed
        ended = _STRING_END.search(text, at, limit)
        if ended is None:
            self._swallowed += min(limit, len(text)) - at
            if self._swallowed >= LONGEST:
                self._state = self._text
            return min(limit, len(text))
        self._state = self._escape if ended[0] == "\x1b" else self._text
        return ended.end()


def readable(text: str) -> str:
    """Text that came as bytes, with U+FFFD for those that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
