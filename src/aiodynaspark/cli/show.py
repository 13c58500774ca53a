"""Prints an answer: its text on stdout as it comes, everything else on stderr."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..types import Facts, Notice, ServedBy, Usage

if TYPE_CHECKING:
    from ..errors import DynasparkError
    from ..types import Chunk, Loss


class Printer:
    """Prints chunks as they come."""

    def __init__(self) -> None:
        self._ends_line = True

    def show(self, chunk: Chunk) -> None:
        """Print one chunk where it belongs."""
        match chunk:
            case str():
                sys.stdout.write(chunk)
                sys.stdout.flush()
                self._ends_line = chunk.endswith("\n")
            case Facts():
                click.echo("\n".join(describe(chunk)), err=True)
            case Notice(text):
                self.end()
                click.echo(text, err=True)

    def lost(self, losses: list[Loss]) -> None:
        """Say nothing: what a prompt loses on this wire is no news to a person."""

    def end(self, error: DynasparkError | None = None) -> None:
        """End the answer's last line; the error is said by whoever ends the program."""
        if not self._ends_line:
            click.echo()
            self._ends_line = True


class Collector:
    """Collects chunks, and prints them as one JSON object in the end."""

    def __init__(self) -> None:
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
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))


def describe(facts: Facts) -> list[str]:
    """Lines that show what was seen in a picture, the matching ones marked."""
    kind = facts.content_type.partition("/")[2].upper()
    head = (
        f"{kind}, {facts.width} x {facts.height} pixels, {facts.orientation}, {facts.size:,} bytes"
    )
    if facts.colours:
        head += f"; {', '.join(facts.colours)}"
    marks = ["> " if index in facts.matches else "  " for index in range(len(facts.text))]
    return [head, *(mark + line for mark, line in zip(marks, facts.text, strict=True))]
