"""What is written about running the server is true: tests that are named exist, options as well."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.findall(r"`(test_\w+\.py)((?:::\w+)*)`", (ROOT / "docs" / "security.md").read_text())
DEPLOYED = ["deploy/Dockerfile", "deploy/dynaspark@.service", "docs/scale.md", "docs/security.md"]


@pytest.mark.parametrize(("file", "names"), NAMED)
def test_what_the_table_names_is_tested(file: str, names: str) -> None:
    tree: ast.AST = ast.parse((ROOT / "tests" / file).read_text())
    for name in names.split("::")[1:]:
        found = [node for node in ast.iter_child_nodes(tree) if getattr(node, "name", "") == name]
        assert found, f"{file} has no {name}"
        tree = found[0]


def test_every_row_names_a_test() -> None:
    rows = [
        line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if "|" in line
    ]
    assert len(rows) > 15
    assert all("`test_" in row.split("|")[3] for row in rows[2:])


@pytest.mark.parametrize("file", DEPLOYED)
def test_every_option_is_one(file: str) -> None:
    offered = ""
    for command in ("serve", "batch"):
        asked = [sys.executable, "-m", "aiodynaspark", command, "--help"]
        offered += subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    foreign = {"--no-cache-dir", "--system", "--no-create-home", "--start-period", "--now"}
    written = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / file).read_text())) - foreign
    assert {option for option in written if option not in offered} == set()


def test_the_unit_gives_answers_the_time_to_end() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(ROOT / "deploy" / "dynaspark@.service")
    assert int(unit["Service"]["TimeoutStopSec"]) > 10 + 2
    assert unit["Service"]["ExecStart"].startswith("/opt/dynaspark/bin/dynaspark serve ")
