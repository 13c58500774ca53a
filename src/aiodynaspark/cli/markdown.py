"""Markdown on a terminal while it comes: finished blocks stay, the last one is redrawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.markdown import Markdown

LONGEST_BLOCK = 8_000
"""Characters after which a block is printed as it comes, since redrawing it would take too long."""

_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")


class MarkdownPrinter:
    """Renders pieces of Markdown; ``finish`` prints what is left."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._open = ""
        self._plain = False
        self._live = Live(
            console=console, transient=True, auto_refresh=False, vertical_overflow="ellipsis"
        )

    def feed(self, text: str) -> None:
        """Take in a piece: print the blocks that it ends, and redraw the one that goes on."""
        self._open += text
        finished, self._open = split_blocks(self._open)
        if finished:
            self._print(finished)
        if len(self._open) > LONGEST_BLOCK:
            self._stop()
            self._console.out(self._open, end="", highlight=False)
            self._open, self._plain = "", True
        elif not self._plain and self._open:
            self._draw()

    def finish(self) -> None:
        """Print the last block."""
        rest, self._open = self._open, ""
        self._print(rest)

    def _draw(self) -> None:
        if not self._live.is_started:
            self._live.start()
        self._live.update(_rendered(self._open), refresh=True)

    def _print(self, text: str) -> None:
        self._stop()
        if self._plain:
            self._console.out(text, highlight=False)
            self._plain = False
        elif text.strip():
            self._console.print(_rendered(text))

    def _stop(self) -> None:
        if self._live.is_started:
            self._live.update("")
            self._live.stop()


def _rendered(text: str) -> Markdown:
    """Markdown with tags and addresses as they stand, and no blanks after lines one may copy."""
    from markdown_it import MarkdownIt  # rich's own parser
    from rich.markdown import Markdown

    shown = Markdown("", justify="default", hyperlinks=False)
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    shown.parsed = parser.parse(text)
    return shown


def split_blocks(text: str) -> tuple[str, str]:
    """Split Markdown after its last finished block; a code fence is finished by its end. Pure."""
    end = 0
    for blank in _BLANK.finditer(text):
        if len(_FENCE.findall(text, 0, blank.start())) % 2 == 0:
            end = blank.end()
    return text[:end], text[end:]
