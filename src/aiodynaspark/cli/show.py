"""Prints an answer: its text on stdout as it comes, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

from ..types import Facts, FinishReason, Notice, ServedBy, Usage
from .harmless import Harmless

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk, Loss

CUT_SHORT = {
    "length": "The answer was cut at the longest that the model may say.",
    "content_filter": "The answer was cut by the model's content filter.",
}
"""What is said of an answer that did not end by itself, by its finish reason."""

_UNPRINTABLE = re.compile(r"[\x7f-\x9f\ud800-\udfff]")
_BLOCK = re.compile(r"^ {0,3}```[^\n]*\n(.*?)^ {0,3}```", re.MULTILINE | re.DOTALL)


def say(text: str, *, err: bool = False) -> None:
    """Print a line that others wrote, on a terminal without what could drive it."""
    stream = sys.stderr if err else sys.stdout
    click.echo(Harmless().feed(text) if stream.isatty() else text, err=err)


class Display(Protocol):
    """Something that shows an answer."""

    def show(self, chunk: Chunk) -> None:
        """Take in one chunk."""

    def lost(self, losses: list[Loss]) -> None:
        """Take in what the wire could not carry."""

    def end(self, error: DynasparkError | None = None) -> None:
        """The answer has ended, or was cut short by an error that is said elsewhere."""


class Printer:
    """Prints chunks as they come; controls are stripped where a terminal would obey them.

    Args:
        out: where the text goes, standard output unless told otherwise.
        model: the model that was asked for; what else answered is said.

    Attributes:
        packed: whether the turns became one prompt, which an ask need not be told.
    """

    def __init__(self, out: TextIO | None = None, model: str = "") -> None:
        self.packed = False
        self._model = model
        self._out = out or sys.stdout
        self._harmless = Harmless() if self._out.isatty() else None
        self._ends_line = True

    def show(self, chunk: Chunk) -> None:
        """Print one chunk where it belongs."""
        match chunk:
            case str():
                self._print(self._harmless.feed(chunk) if self._harmless else chunk)
            case Facts():
                say("\n".join(describe(chunk)), err=True)
            case Notice(text):
                self._end_line()
                say(text, err=True)
            case ServedBy(model) if self._model and model not in self._model:
                self._end_line()
                say(f"Answered by {model}.", err=True)
            case FinishReason(reason) if reason in CUT_SHORT:
                self._end_line()
                say(CUT_SHORT[reason], err=True)

    def lost(self, losses: list[Loss]) -> None:
        """Say which pictures and options got lost, and note where turns became a prompt."""
        for loss in losses:
            if loss.kind == "roles":
                self.packed = True
            else:
                say(loss.detail, err=True)

    def end(self, error: DynasparkError | None = None) -> None:
        """End the answer's last line."""
        self._end_line()

    def _end_line(self) -> None:
        if not self._ends_line:
            self._print("\n")

    def _print(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._ends_line = text.endswith("\n")


class Rendered(Printer):
    """Renders the text as Markdown, for a terminal."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console

        from .markdown import MarkdownPrinter

        self._markdown = MarkdownPrinter(Console())

    def _end_line(self) -> None:
        self._markdown.finish()

    def _print(self, text: str) -> None:
        self._markdown.feed(text)


class CodeBlock(Printer):
    """Prints the first code block alone, or everything where there is none."""

    def __init__(self, out: TextIO | None = None, model: str = "") -> None:
        super().__init__(out, model)
        self._text: list[str] = []

    def end(self, error: DynasparkError | None = None) -> None:
        """Print the block."""
        text = "".join(self._text)
        found = _BLOCK.search(text)
        text = found[1] if found else text
        super()._print(text if text.endswith("\n") else f"{text}\n")

    def _end_line(self) -> None:
        """Leave the text alone; it is printed in the end."""

    def _print(self, text: str) -> None:
        self._text.append(text)


class Collector:
    """Collects chunks, and prints them as one JSON object in the end."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._text: list[str] = []
        self._beside: dict[str, Any] = {}

    def show(self, chunk: Chunk) -> None:
        """Take in one chunk."""
        match chunk:
            case str():
                self._text.append(chunk)
            case Facts():
                facts = asdict(chunk) | {"orientation": chunk.orientation}
                self._beside.setdefault("facts", []).append(facts)
            case Notice(text):
                self._beside.setdefault("notices", []).append(text)
            case ServedBy(model):
                self._beside["model"] = model
            case Usage():
                self._beside["usage"] = asdict(chunk)

    def lost(self, losses: list[Loss]) -> None:
        """Take in what the wire could not carry."""
        self._beside["losses"] = [asdict(loss) for loss in losses]

    def end(self, error: DynasparkError | None = None) -> None:
        """Print it all, with the error that cut it short."""
        whole = {"response": "".join(self._text), **self._beside}
        if error is not None:
            whole["error"] = str(error)
        click.echo(render_json(whole), file=self._out)


def describe(facts: Facts) -> list[str]:
    """Lines that show what was seen in a picture, the matching ones marked."""
    kind = facts.content_type.partition("/")[2].upper()
    sides = f"{facts.width} x {facts.height} pixels, {facts.orientation}"
    head = f"{kind}, {sides}, {facts.size:,} bytes"
    if facts.colours:
        head += f"; {', '.join(facts.colours)}"
    marks = ["> " if index in facts.matches else "  " for index in range(len(facts.text))]
    return [head, *(mark + line for mark, line in zip(marks, facts.text, strict=True))]


def render_json(value: Any) -> str:
    """Write JSON whose every character can be encoded and drives no terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
