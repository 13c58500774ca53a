"""Models from a file, and models from the command line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aiodynaspark.cli.serve import serve
from aiodynaspark.cli.served import served_models
from aiodynaspark.errors import ProviderNotFound, UsageError
from aiodynaspark.fallback import Fallback
from aiodynaspark.settings import read_config

CONFIG = """
[models.big]
provider = "openai:qwen3"
base_url = "http://127.0.0.1:8000/v1"
api_key_env = "BIG_KEY"
timeout = 60

[models.small]
provider = "echo"

[models.any]
fallback = ["big", "small"]
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIG_KEY", "secret")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_a_file_names_models_options_and_variables(config: Path) -> None:
    models = served_models("local", (), config)
    assert list(models) == ["big", "small", "any"]
    big = models["big"]
    assert (big.provider.__name__, big.name) == ("OpenAI", "qwen3")
    assert big.options == {
        "base_url": "http://127.0.0.1:8000/v1",
        "timeout": 60,
        "api_key": "secret",
    }
    both = models["any"]
    assert isinstance(both, Fallback)
    assert both.models == (big, models["small"])
    assert "secret" not in repr(read_config(config))


def test_models_of_options_come_first(config: Path) -> None:
    models = served_models("local", ("mine=echo", "two=echo,openai:x"), config)
    assert list(models) == ["mine", "two", "big", "small", "any"]
    assert isinstance(models["two"], Fallback)
    assert list(served_models("echo")) == ["echo"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models", "not TOML"),
        ("", "names no model"),
        ("models = 1", "names no model"),
        ("[models]\na = 1", r"models\.a has to be a table"),
        ("[models.a]\nbase_url = 'x'", "with a provider"),
        ("[models.a]\nprovider = 1", "provider has to be a text"),
        ("[models.a]\nfallback = 'b'", "fallback a list"),
        ("[models.a]\nfallback = ['b']\ntimeout = 1", "nothing besides"),
        ("[models.a]\nfallback = ['b']", "names b"),
        ("[models.a]\nprovider = 'echo'\napi_key = 'x'", "api_key_env"),
        ("[models.a]\nprovider = 'echo'\napi_key_env = 'UNSET_1'", "UNSET_1"),
    ],
)
def test_a_malformed_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        served_models("local", (), path)


def test_a_missing_file_and_a_missing_provider(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(ProviderNotFound):
        served_models("local", ("a=nonsense",))


@pytest.mark.parametrize("entry", ["a", "=echo", "a=", "a=echo,", "a=,echo"])
def test_a_malformed_option_is_named(entry: str) -> None:
    with pytest.raises(click.BadParameter, match="NAME=PROVIDER"):
        served_models("local", (entry,))


def test_the_command_takes_a_file(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(serve, ["--config", str(tmp_path / "none.toml")])
    assert isinstance(outcome.exception, UsageError)
