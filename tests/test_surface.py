"""The public names are what they say they are, and importing them costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import aiodynaspark


def test_all_names_exist_and_are_sorted() -> None:
    assert aiodynaspark.__all__ == sorted(aiodynaspark.__all__)
    for name in aiodynaspark.__all__:
        assert getattr(aiodynaspark, name) is not None
    assert dir(aiodynaspark) == aiodynaspark.__all__


def test_the_documented_names_are_there() -> None:
    documented = """
        Dynaspark AsyncGeneratorProvider ProviderModelMixin format_prompt to_bytes to_data_uri
        is_accepted_format raise_for_status Messages AsyncResult MediaListType Model registry
    """
    assert set(documented.split()) <= set(aiodynaspark.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        aiodynaspark.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import aiodynaspark", "aiohttp PIL click g4f llm msgspec asyncio json"),
        ("from aiodynaspark import Dynaspark, Model, registry", "aiohttp PIL click xllamacpp"),
        ("from aiodynaspark import registry; registry.find('echo')", "aiohttp xllamacpp"),
        ("import aiodynaspark.plugins.g4f", "g4f aiohttp PIL click llm"),
        ("import aiodynaspark.cli", "aiohttp xllamacpp PIL rich"),
    ],
)
def test_an_import_loads_no_more_than_it_needs(statement: str, unwanted: str) -> None:
    code = f"{statement}\nimport sys\nprint([m for m in {unwanted.split()} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
