"""The provider inside the real g4f: each case runs in a fresh process of its environment."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from environments import run

pytestmark = pytest.mark.clients

SCRIPT = Path(__file__).with_name("g4f_cases.py")
CASES = [
    node.name
    for node in ast.parse(SCRIPT.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
]


@pytest.mark.parametrize("case", CASES)
def test_g4f(case: str, tmp_path: Path) -> None:
    run("plugins", "-W", "default::ResourceWarning", SCRIPT, case, home=tmp_path)
