"""The engine with the real weights, which are fetched once into the user's cache."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from aiodynaspark import settings
from aiodynaspark.errors import ModelUnavailable, TransportTimeout, UsageError
from aiodynaspark.local import engine, weights
from aiodynaspark.local.engine import Engine, Setup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = {"messages": [{"role": "user", "content": "Count."}], "ignore_eos": True}


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    yield Setup(weights.provide())
    engine.unload()


@pytest.fixture(scope="module")
def loaded(setup: Setup) -> Engine:
    return engine.load(setup)


async def ask(loaded: Engine, text: str, **options: Any) -> str:
    chat = [{"role": "user", "content": text}]
    request = {"messages": chat, "temperature": 0, "max_tokens": 8, **options}
    said = ""
    async with aclosing(loaded.stream(request)) as events:
        async for event in events:
            for choice in event.get("choices", ()):
                said += choice["delta"].get("content") or ""
    return said


async def start(loaded: Engine) -> Any:
    """An answer that never ends by itself, and is on its way."""
    answer = loaded.stream(ENDLESS)
    await anext(answer)
    return answer


def test_it_is_loaded_once(setup: Setup, loaded: Engine) -> None:
    assert engine.load(setup) is loaded
    assert engine.loaded(setup) is loaded
    assert engine.loaded(Setup(setup.weights, slots=7)) is None
    assert "2 slots, loaded" in repr(loaded)


def test_it_serves_loop_after_loop(loaded: Engine) -> None:
    answers = {asyncio.run(ask(loaded, "Capital of Italy?", max_tokens=10)) for _ in range(3)}
    assert answers == {"The capital of Italy is Rome."}


def test_it_serves_two_loops_at_once(loaded: Engine) -> None:
    answers: list[str] = []

    def run() -> None:
        answers.append(asyncio.run(ask(loaded, "Capital of Italy?", max_tokens=10)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["The capital of Italy is Rome."] * 2


async def test_two_answers_at_once_and_a_third_when_one_was_closed(loaded: Engine) -> None:
    one, two = await start(loaded), await start(loaded)
    third = asyncio.create_task(ask(loaded, "Hi", max_tokens=1))
    await anext(one)
    await anext(two)
    assert not third.done()
    await one.aclose()
    await third
    await two.aclose()


async def test_a_cancelled_task_gives_its_slot_back(loaded: Engine) -> None:
    async def read_on() -> None:
        async with aclosing(loaded.stream(ENDLESS)) as events:
            async for _ in events:
                reading.set()

    for _ in range(3):  # more often than there are slots
        reading = asyncio.Event()
        task = asyncio.create_task(read_on())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await ask(loaded, "Hi", max_tokens=1)


async def test_a_deadline_that_passed_while_waiting_or_answering(loaded: Engine) -> None:
    now = asyncio.get_running_loop().time()
    answer = loaded.stream(ENDLESS, deadline=now)
    with pytest.raises(TransportTimeout, match="more seconds"):
        async for _ in answer:
            pass
    held = [await start(loaded), await start(loaded)]
    with pytest.raises(TransportTimeout):
        await anext(loaded.stream(ENDLESS, deadline=now))
    for answer in held:
        await answer.aclose()


async def test_a_loop_that_ends_under_an_answer_stops_it(loaded: Engine) -> None:
    def run() -> None:
        loop = asyncio.new_event_loop()
        held.append(loop.run_until_complete(start(loaded)))
        loop.close()

    held: list[Any] = []
    for _ in range(3):
        await asyncio.to_thread(run)
    assert await ask(loaded, "Hi", max_tokens=1)


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/chat/completions", "/chat/completions", "/completion", "/v1/completions"),
        *("/v1/responses", "/v1/messages", "/tokenize", "/detokenize", "/apply-template"),
        *("/embedding", "/rerank", "/infill", "/props", "/slots", "/slots/0?action=save"),
        *("/v1/models", "/metrics", "/lora-adapters"),
    ],
)
@pytest.mark.parametrize("key", [None, "wrong", ""])
def test_its_port_refuses_whoever_lacks_the_key(loaded: Engine, path: str, key: str | None) -> None:
    assert knock(loaded, path, key, b"{}") == 401
    assert knock(loaded, path, key, None) in (401, 404)  # 404: the route takes no GET


def test_its_port_has_no_page_and_answers_the_key_alone(loaded: Engine) -> None:
    assert knock(loaded, "/", None, None) == 404
    assert knock(loaded, "/tokenize", loaded.key, json.dumps({"content": "hi"}).encode()) == 200


def knock(loaded: Engine, path: str, key: str | None, body: bytes | None) -> int:
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    address = loaded.server.listening_address
    assert address.startswith("http://127.0.0.1:")
    request = urllib.request.Request(address + path, body, headers)
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def test_unloading_ends_answers_and_those_in_the_queue(setup: Setup) -> None:
    short_lived = await asyncio.to_thread(engine.load, Setup(setup.weights, slots=1, context=512))
    answer = await start(short_lived)
    queued = asyncio.create_task(ask(short_lived, "Hi"))
    await asyncio.to_thread(short_lived.close)
    with pytest.raises(ModelUnavailable, match="unloaded"):
        async for _ in answer:
            pass
    with pytest.raises(ModelUnavailable, match="unloaded"):
        await queued
    assert "unloaded" in repr(short_lived)
    engine._engines.pop((os.getpid(), short_lived.setup))


@pytest.mark.parametrize(
    "content", [b"GGUF", b"GGUF" + bytes(1000), b"GGUF\3\0\0\0" + b"\xff" * 64]
)
def test_weights_that_cannot_be_loaded_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"bad\.gguf"):
        engine.load(Setup(path))


def test_threads_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNASPARK_THREADS", raising=False)
    assert settings.threads() is None
    monkeypatch.setenv("DYNASPARK_THREADS", "3")
    assert settings.threads() == 3
    for wrong in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("DYNASPARK_THREADS", wrong)
        with pytest.raises(UsageError, match="whole number above zero"):
            settings.threads()


def test_the_environment_is_as_the_user_left_it(loaded: Engine) -> None:
    assert "OMP_WAIT_POLICY" not in os.environ
    with settings.defaults(OMP_WAIT_POLICY="passive", PATH="elsewhere"):
        assert os.environ["OMP_WAIT_POLICY"] == "passive"
        assert os.environ["PATH"] != "elsewhere"
    assert "OMP_WAIT_POLICY" not in os.environ


EXIT = """
import asyncio, threading
from aiodynaspark.local import engine, weights
loaded = engine.load(engine.Setup(weights.provide()))
started = threading.Event()

async def read_on():
    endless = {"messages": [{"role": "user", "content": "Count."}], "ignore_eos": True}
    async for _ in loaded.stream(endless):
        started.set()

def run():
    try:
        asyncio.run(read_on())
    except Exception:
        pass

threading.Thread(target=run, daemon=True).start()
started.wait()
print("done")
"""


def test_a_process_ends_cleanly_in_the_middle_of_an_answer() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", EXIT], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"done", b"")
