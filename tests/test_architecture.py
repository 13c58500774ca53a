"""Who may import whom, and who may touch the outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "aiodynaspark"
FILES = sorted(ROOT.rglob("*.py"))

ROWS = [
    ["_version", "_retry_after", "errors", "types"],
    [
        *("prompt", "media", "settings"),
        *("_attempts", "_body", "_capabilities", "_choices", "_completions", "_field"),
        *("_headers", "_inflate", "_json", "_limits", "_losses", "_picture_headers"),
        *("_picture_sources", "_portal", "_proxy", "_query_answer", "_retry", "_sse"),
        *("_transcript", "_url"),
    ],
    ["transport", "provider", "_options"],
    ["model", "local", "sheet"],
    ["providers"],
    ["registry", "fallback", "replay"],
    ["batch", "server", "history"],
    ["batch_ray"],
    ["cli", "plugins"],
]
ROW = {name: row for row, names in enumerate(ROWS) for name in names}


def room(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Each import of a file: its node, and the module by its full name."""
    package = ["aiodynaspark", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "aiodynaspark" or (node.level and not node.module):
                yield from ((node, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node, module


def type_only(path: Path) -> set[ast.AST]:
    """What stands under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    blocks = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    return {(n.lineno) for block in blocks for n in ast.walk(block) if hasattr(n, "lineno")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_rows_above_its_own(path: Path) -> None:
    own = room(path)
    if own in ("__init__", "__main__"):
        return
    hidden = type_only(path)
    for node, module in imports(path):
        parts = module.split(".")
        if parts[0] != "aiodynaspark" or len(parts) == 1 or node.lineno in hidden:
            continue
        assert parts[1] in ROW, f"{module} stands in no row"
        assert parts[1] == own or ROW[parts[1]] <= ROW[own], f"{path.name} imports {module}"
        if own == "providers":
            assert parts[1] != "providers", "a provider never imports another one"


@pytest.mark.parametrize(
    ("outside", "allowed"),
    [
        ("aiohttp", {"transport", "server"}),
        ("aiohttp_socks", {"transport"}),
        ("xllamacpp", {"local"}),
        ("rapidocr", {"local"}),
        ("click", {"cli"}),
        ("PIL", {"local", "sheet"}),
        ("ray", {"batch_ray"}),
        ("g4f", {"plugins"}),
        ("llm", {"plugins"}),
        ("pydantic", {"plugins"}),
    ],
)
def test_only_some_know_the_outside(outside: str, allowed: set[str]) -> None:
    knowing = {
        room(path)
        for path in FILES
        for _, module in imports(path)
        if module.split(".")[0] == outside
    }
    assert knowing <= allowed


def test_only_settings_reads_the_environment() -> None:
    reading = {
        room(path)
        for path in FILES
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    }
    assert reading == {"settings"}


def test_no_vague_names() -> None:
    vague = {"utils", "helpers", "common", "core", "base", "manager"}
    assert not vague & {path.stem for path in FILES}
