"""The provider with the real engine, the real weights and the real reader."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aiodynaspark.errors import (
    ModelNotFound,
    ModelUnavailable,
    TransportTimeout,
    UnsupportedMedia,
    UsageError,
)
from aiodynaspark.local import advice, conversation, engine, weights
from aiodynaspark.providers.local import Local
from aiodynaspark.types import Facts, FinishReason, Notice, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parent.parent / "examples"
INVOICE, SIGN, CHART = (EXAMPLES / f"{name}.png" for name in ("invoice", "sign", "chart"))


@pytest.fixture(scope="module", autouse=True)
def unloaded() -> Iterator[None]:
    yield
    engine.unload()


async def ask(question: Any, *media: Any, **options: Any) -> list[Any]:
    messages = [{"role": "user", "content": question}]
    async with aclosing(
        Local.create_async_generator("", messages, media=list(media) or None, **options)
    ) as chunks:
        return [chunk async for chunk in chunks]


def text(chunks: list[Any]) -> str:
    return "".join(chunk for chunk in chunks if isinstance(chunk, str))


def notices(chunks: list[Any]) -> list[str]:
    return [chunk.text for chunk in chunks if isinstance(chunk, Notice)]


async def test_a_text_streams_and_ends_with_its_figures() -> None:
    chunks = await ask("What is the capital of France?")
    assert text(chunks) == "The capital of France is Paris."
    assert sum(isinstance(chunk, str) for chunk in chunks) > 3
    *_, usage, finish = chunks
    assert isinstance(usage, Usage)
    assert usage.prompt_tokens > 10
    assert not usage.estimated
    assert finish == FinishReason("stop")
    assert notices(chunks) == []


async def test_the_answer_ends_at_max_tokens() -> None:
    chunks = await ask("Tell me a long story.", max_tokens=5)
    assert chunks[-1] == FinishReason("length")
    assert next(chunk for chunk in chunks if isinstance(chunk, Usage)).completion_tokens == 5


async def test_stop_and_seed_reach_the_engine() -> None:
    assert text(await ask("What is the capital of France?", stop=[" is"])) == (
        "The capital of France"
    )
    again = [text(await ask("Hi", temperature=1.5, seed=7, max_tokens=12)) for _ in range(2)]
    assert again[0] == again[1]


async def test_another_language_gets_two_notices() -> None:
    chunks = await ask("Какая столица Франции?", max_tokens=4)
    assert notices(chunks) == [advice.ENGLISH_ONLY, advice.REAL_MODEL]


async def test_a_question_about_a_picture() -> None:
    chunks = await ask("What is the total?", INVOICE)
    facts = chunks[0]
    assert isinstance(facts, Facts)
    assert [facts.text[index] for index in facts.matches] == ["TOTAL 42 EUR"]
    assert text(chunks) == "The total is 42 EUR."
    assert notices(chunks) == [advice.REAL_MODEL]
    assert isinstance(chunks[-2], Usage)
    assert chunks[-1] == FinishReason("stop")


async def test_what_the_picture_lacks_is_flagged() -> None:
    chunks = await ask("What is the phone number?", INVOICE)
    flagged, guessed, real = notices(chunks)
    assert flagged.startswith("not in the picture: ")
    assert (guessed, real) == (advice.NO_MATCH, advice.REAL_MODEL)


async def test_two_pictures_one_of_them_in_the_message() -> None:
    uri = f"data:image/png;base64,{base64.b64encode(SIGN.read_bytes()).decode()}"
    content = [
        {"type": "text", "text": "How many bananas?"},
        {"type": "image_url", "image_url": {"url": uri}},
    ]
    chunks = await ask(content, CHART)
    assert [facts.text[0] for facts in chunks[:2]] == [
        "CITY MUSEUM",
        "Fruit sold in May, in kilograms",
    ]
    assert "85" in text(chunks)


@pytest.mark.parametrize("address", ["/etc/passwd", str(INVOICE), "https://example.org/a.png"])
async def test_a_picture_in_a_message_is_never_a_path_or_a_url(address: str) -> None:
    part = {"type": "image_url", "image_url": {"url": address}}
    with pytest.raises(UnsupportedMedia, match="data: URI"):
        await ask([part])


async def test_a_picture_cut_short_is_refused() -> None:
    data = INVOICE.read_bytes()
    with pytest.raises(UnsupportedMedia, match="body is cut short"):
        await ask("What is it?", data[: len(data) // 2])


@pytest.mark.parametrize("messages", [[], [{"role": "user"}], "text"])
async def test_malformed_messages_are_refused(messages: Any) -> None:
    with pytest.raises(UsageError):
        await Local.create_async("", messages)


async def test_a_prompt_longer_than_the_context_is_refused() -> None:
    with pytest.raises(UsageError, match="takes 4096; shorten it"):
        await ask("word " * 5000)


async def test_the_deadline() -> None:
    with pytest.raises(TransportTimeout, match="more seconds"):
        await ask("Tell me a long story.", timeout=0)


async def test_other_models_are_not_here() -> None:
    with pytest.raises(ModelNotFound, match="smollm2-135m-instruct"):
        await Local.create_async("gpt-9", [{"role": "user", "content": "Hi"}])
    assert Local.get_models() == ["smollm2-135m-instruct"]


async def test_closing_early_gives_the_slot_back() -> None:
    messages = [{"role": "user", "content": "Tell me a long story."}]
    for _ in range(3):  # more often than there are slots
        async with aclosing(Local.create_async_generator("", messages, max_tokens=4000)) as chunks:
            assert await anext(chunks)
    assert text(await ask("What is the capital of France?"))


def test_synchronous_callers_are_served() -> None:
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    assert text(list(Local.create_completion("", messages))) == "The capital of France is Paris."


async def test_opening_warms_both_prompts_and_closing_frees_them() -> None:
    await Local.aclose()
    await Local.open()
    setup = engine.Setup(weights.provide())
    loaded = engine.loaded(setup)
    assert loaded is not None
    assert cached_tokens(await figures(loaded, "Hi")) > 10
    await Local.open()
    assert engine.loaded(setup) is loaded
    await Local.aclose()
    assert engine.loaded(setup) is None


async def figures(loaded: engine.Engine, question: str) -> dict[str, Any]:
    chat = conversation.chat([{"role": "user", "content": question}], small=True)
    request = {"messages": chat, "max_tokens": 1, "stream_options": {"include_usage": True}}
    events = [event async for event in loaded.stream(request)]
    return next(event for event in reversed(events) if event.get("usage"))


def cached_tokens(event: dict[str, Any]) -> int:
    return int(event["usage"]["prompt_tokens_details"]["cached_tokens"])


async def test_an_own_model_is_free_of_the_small_ones_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.gguf"
    own.hardlink_to(weights.provide())
    monkeypatch.setenv("DYNASPARK_GGUF", str(own))
    assert Local.get_models() == ["mine"]
    chunks = await ask("Hola, ¿cómo está usted?", max_tokens=3)
    assert notices(chunks) == []
    chunks = await ask("What is the total?", INVOICE, max_tokens=3)
    assert isinstance(chunks[0], Facts)
    assert advice.DOES_NOT_SEE in notices(chunks)
    monkeypatch.setenv("DYNASPARK_MMPROJ", str(tmp_path / "missing.gguf"))
    with pytest.raises(ModelUnavailable, match=r"mine\.gguf"):
        await ask("What is the total?", INVOICE)


DESCRIBE = """
import asyncio, sys
from aiodynaspark.providers.local import Local

async def main():
    messages = [{"role": "user", "content": "Describe this picture."}]
    async for chunk in Local.create_async_generator("", messages, media=[sys.argv[1]]):
        print(chunk, end="") if isinstance(chunk, str) else None

asyncio.run(main())
assert "xllamacpp" not in sys.modules
assert "aiohttp" not in sys.modules
"""


def test_a_description_needs_neither_engine_nor_network() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", DESCRIBE, str(SIGN)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("This is a PNG picture of 900 x 560 pixels (landscape).")
    assert "CITY MUSEUM" in done.stdout


def test_three_loops_one_after_another() -> None:
    for _ in range(3):
        answer = asyncio.run(ask("What is the capital of France?"))
        assert text(answer) == "The capital of France is Paris."
