"""Draws ``docs/terminal.svg``: the README's first question, asked for real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
ASK = ["ask", "-n", "What is the total?", "-a", "examples/invoice.png"]
# Rich's own page fetches a font; a viewer's monospaced one will do.
PAGE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Ask, and draw what a terminal shows."""
    run = subprocess.run(
        [sys.executable, "-m", "aiodynaspark", *ASK],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )
    facts = [line for line in run.stderr.splitlines() if not line.startswith("opening")]
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=92, file=nowhere)
        console.print(Text('$ dynaspark ask "What is the total?" -a examples/invoice.png', "bold"))
        before = [line for line in facts if not line.startswith("For a real model")]
        for line in before:
            console.print(Text(line, "bold yellow" if line.startswith("> ") else "dim"))
        console.print(Text(run.stdout.strip(), "bold green"))
        for line in facts[len(before) :]:
            console.print(Text(line, "dim"))
        svg = console.export_svg(
            title="dynaspark", code_format=PAGE, theme=MONOKAI, unique_id="terminal"
        )
    (ROOT / "docs" / "terminal.svg").write_text(svg)


if __name__ == "__main__":
    main()
