"""The contract that every provider in the registry keeps; a new one is held to it by its file."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from upstream import answer, hold, upstream

from aiodynaspark import (
    AsyncGeneratorProvider,
    Chunk,
    Model,
    ProviderModelMixin,
    UsageError,
    registry,
)

NAMES = registry.names()
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def offline() -> AsyncIterator[dict[str, object]]:
    """Options that keep a provider of the network on this machine."""
    async with upstream(answer()) as server:
        yield {"url": server.url, "base_url": server.url, "retries": 0}


@pytest.mark.parametrize("name", NAMES)
class TestEveryProvider:
    def test_is_a_provider_with_a_model(self, name: str) -> None:
        provider = registry.find(name).provider
        assert issubclass(provider, AsyncGeneratorProvider)
        assert issubclass(provider, ProviderModelMixin)
        # Where an endpoint alone knows its models, the provider names none.
        assert provider.default_model in (provider.get_models() or [""])
        assert provider.get_model("") == provider.get_model("auto") == provider.default_model
        assert set(provider.model_aliases.values()) <= set(provider.models)

    def test_has_the_documented_signature(self, name: str) -> None:
        generator = registry.find(name).provider.create_async_generator
        assert inspect.isasyncgenfunction(generator)
        parameters = list(inspect.signature(generator).parameters)
        assert parameters == ["model", "messages", "proxy", "media", "kwargs"]

    def test_says_what_it_can_do(self, name: str) -> None:
        provider = registry.find(name).provider
        for flag in (
            "working",
            "needs_auth",
            "supports_stream",
            "supports_system_message",
            "supports_message_history",
            "supports_media",
            "supports_tools",
        ):
            assert isinstance(getattr(provider, flag), bool), flag

    async def test_does_nothing_until_it_is_iterated(self, name: str) -> None:
        registry.find(name).provider.create_async_generator("", HELLO)

    async def test_refuses_no_messages(self, name: str, offline: dict[str, object]) -> None:
        with pytest.raises(UsageError, match="messages"):
            await registry.find(name, **offline).complete([])

    async def test_takes_options_of_others(self, name: str) -> None:
        model = registry.find(name)
        async with aclosing(model.stream(HELLO, no_such_option=1)):
            pass


class TestTheBase:
    async def test_joins_and_iterates(self) -> None:
        assert (
            await registry.find("echo").complete([{"role": "user", "content": " a b "}]) == " a b "
        )
        pieces = registry.find("echo").provider.create_completion("", HELLO)
        assert "".join(piece for piece in pieces if isinstance(piece, str)) == "hello"

    async def test_iterates_inside_a_running_loop(self) -> None:
        pieces = registry.find("echo").provider.create_completion("", HELLO)
        assert "hello" in list(pieces)

    async def test_an_error_comes_through_the_synchronous_face(self) -> None:
        with pytest.raises(UsageError, match="messages"):
            list(registry.find("echo").provider.create_completion("", []))

    async def test_closing_the_iterator_closes_the_connection(self) -> None:
        released = asyncio.Event()
        async with upstream(hold(released)) as server:
            provider = registry.find("dynaspark").provider

            def give_up() -> None:
                pieces = provider.create_completion("", HELLO, url=server.url, timeout=0.1)
                with pytest.raises(TimeoutError):
                    next(pieces)

            await asyncio.to_thread(give_up)

    def test_a_provider_has_to_write_its_generator(self) -> None:
        class Empty(AsyncGeneratorProvider):
            pass

        with pytest.raises(NotImplementedError, match="Empty"):
            Empty.create_async_generator("", HELLO)


class TestAModel:
    async def test_merges_its_options_under_those_of_the_ask(self) -> None:
        seen: dict[str, object] = {}

        class Spy(AsyncGeneratorProvider):
            @classmethod
            async def create_async_generator(
                cls,
                model: str,
                messages: object,
                proxy: object = None,
                media: object = None,
                **kwargs: object,
            ) -> AsyncIterator[Chunk]:
                seen.update(kwargs, model=model)
                yield "x"

        model = Model(Spy, "m", {"a": 1, "b": 1})
        assert await model.complete(HELLO, b=2) == "x"
        assert seen == {"a": 1, "b": 2, "model": "m", "stream": False}

    async def test_takes_pictures_only_where_the_provider_does(self) -> None:
        class Blind(AsyncGeneratorProvider):
            pass

        with pytest.raises(UsageError, match="Blind takes no pictures"):
            await Model(Blind).complete(HELLO, media=[b"png"])


class TestTheRegistry:
    def test_names_and_finds(self) -> None:
        assert {"dynaspark", "echo", "local"} <= set(NAMES)
        model = registry.find("dynaspark:gemini-2.0-flash", timeout=5)
        assert (model.provider.__name__, model.name) == ("Dynaspark", "gemini-2.0-flash")
        assert model.options == {"timeout": 5}

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(UsageError, match=r"no provider 'nonsense'.*echo"):
            registry.find("nonsense:model")


NEWCOMER = """
from aiodynaspark import AsyncGeneratorProvider, ProviderModelMixin
from aiodynaspark.prompt import last_text

class Shout(AsyncGeneratorProvider, ProviderModelMixin):
    default_model = "loud"
    models = ["loud"]

    @classmethod
    async def create_async_generator(cls, model, messages, proxy=None, media=None, **kwargs):
        yield last_text(messages).upper()
"""


def test_a_provider_in_one_new_file_is_found_served_asked_and_checked(tmp_path: Path) -> None:
    """Another package announces one file by an entry point; nothing else is told of it."""
    (tmp_path / "shout.py").write_text(NEWCOMER)
    info = tmp_path / "shout-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shout\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[aiodynaspark.providers]\nshout = shout:Shout\n")

    def run(*arguments: str) -> str:
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + textwrap.dedent(
            """
            if sys.argv[1] == "pytest":
                import pytest
                raise SystemExit(pytest.main(sys.argv[2:]))
            from aiodynaspark.cli import main
            main()
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "shout:loud" in run("models").split()
    assert run("ask", "-m", "shout", "hello") == "HELLO\n"
    checked = run(
        "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "EveryProvider and shout"
    )
    assert "6 passed" in checked
