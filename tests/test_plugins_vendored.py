"""The class in a tree that carries a copy of g4f as of March 2025, as hypotez does."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from upstream import answer, upstream

import aiodynaspark

TREE = Path(__file__).with_name("vendored")
FILE = TREE / "endpoints" / "g4f" / "Provider" / "Dynaspark.py"
DOCUMENT = Path(__file__).parents[1] / "docs" / "hypotez.md"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def g4f(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The copy, imported as the program would import it."""
    monkeypatch.syspath_prepend(TREE)
    yield import_module("endpoints.g4f.Provider")
    for name in [name for name in sys.modules if name.split(".")[0] == "endpoints"]:
        del sys.modules[name]


def test_the_document_shows_the_file_s_two_lines_in_both_languages() -> None:
    shown = re.findall(r"^```python\n(from .*?)^```$", DOCUMENT.read_text(), re.M | re.S)
    assert shown == [FILE.read_text()] * 2
    assert len([line for line in FILE.read_text().splitlines() if line]) == 2


def test_it_is_one_of_the_copy_s_providers(g4f: Any) -> None:
    provider = g4f.Dynaspark
    bases = sys.modules["endpoints.g4f.providers.base_provider"]
    assert issubclass(provider, bases.AsyncGeneratorProvider)
    assert issubclass(provider, bases.ProviderModelMixin)
    assert issubclass(provider, aiodynaspark.Dynaspark)
    assert provider in g4f.__providers__
    assert g4f.ProviderUtils.convert["Dynaspark"] is provider
    assert provider.__module__ == "endpoints.g4f.Provider.Dynaspark"
    assert provider.get_dict()["name"] == "Dynaspark"
    assert "g4f" not in sys.modules


def test_its_signature_is_the_documented_one(g4f: Any) -> None:
    signature = inspect.signature(g4f.Dynaspark.create_async_generator)
    assert list(signature.parameters) == ["model", "messages", "proxy", "media", "kwargs"]
    assert signature.parameters["proxy"].default is None
    assert signature.parameters["media"].default is None
    for name in ("model", "messages", "proxy", "media"):
        assert f"{name}: " in g4f.Dynaspark.params
    assert g4f.Dynaspark.get_create_function() == g4f.Dynaspark.create_completion
    assert g4f.Dynaspark.get_async_create_function() == g4f.Dynaspark.create_async_generator


def test_an_unknown_model_raises_as_it_does_there(g4f: Any) -> None:
    errors = sys.modules["endpoints.g4f.errors"]
    assert g4f.Dynaspark.get_model("") == "gemini-1.5-flash"
    assert g4f.Dynaspark.get_model("gemini-2.0-flash") == "gemini-2.0-flash-lite"
    assert g4f.Dynaspark.get_models() == aiodynaspark.Dynaspark.models
    with pytest.raises(errors.ModelNotSupportedError):
        g4f.Dynaspark.get_model("unheard-of")


async def test_every_way_of_asking_answers(g4f: Any) -> None:
    chat = sys.modules["endpoints.g4f"].ChatCompletion
    async with upstream(answer('{"response": "hello", "model": "small"}')) as server:
        g4f.Dynaspark.api_endpoint = f"{server.url}/generate_response"
        loop = asyncio.get_running_loop()
        assert await g4f.Dynaspark.create_async("m", HELLO, timeout=60, loop=loop) == "hello"
        assert await chat.create_async("m", HELLO, g4f.Dynaspark) == "hello"
        assert await asyncio.to_thread(chat.create, "m", HELLO, g4f.Dynaspark) == "hello"
        pieces = await asyncio.to_thread(
            lambda: list(g4f.Dynaspark.create_completion("m", HELLO, True))
        )
        assert pieces == ["hello"]
        assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, "{}", "RateLimitError"),
        (504, "{}", "RateLimitError"),
        (401, "{}", "MissingAuthError"),
        (403, "<title>Just a moment...</title>", "ResponseStatusError"),
        (500, "{}", "ResponseStatusError"),
        (200, "{", "ResponseError"),
    ],
)
async def test_its_errors_are_the_copy_s(g4f: Any, status: int, body: str, expected: str) -> None:
    errors = sys.modules["endpoints.g4f.errors"]
    async with upstream(answer(body, status)) as server:
        with pytest.raises(getattr(errors, expected)) as caught:
            await g4f.Dynaspark.create_async("m", HELLO, url=server.url, retries=0)
    assert type(caught.value).__name__ == expected
    assert getattr(caught.value, "status", 200) == status


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        import_module("aiodynaspark.plugins.g4f").nonsense  # noqa: B018
