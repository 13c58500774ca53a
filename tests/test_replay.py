"""Recordings: what a model answered, piece by piece, and the same again."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark import Dynaspark, Model, errors, registry, types
from aiodynaspark.errors import DynasparkError, RateLimitError, StreamError, UsageError
from aiodynaspark.provider import AsyncGeneratorProvider
from aiodynaspark.replay import record, replay
from aiodynaspark.server import Catalog, running
from aiodynaspark.types import Delta, Facts, FinishReason, Notice, ServedBy, Usage

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n"
ALL = [
    Facts("image/png", 2, 1, 90, ("red",), ("INVOICE",), (0,)),
    "Hello",
    ", \ud800 world \u0434\u2028",
    Notice("patience"),
    ServedBy("small"),
    Usage(3, 4, estimated=True),
    Delta(0, {"tool_calls": [{"index": 0}]}, {"content": []}, "tool_calls"),
    FinishReason("stop"),
]


class Scripted(AsyncGeneratorProvider):
    """Answers with what a test put there; an error is raised, a number is waited for."""

    supports_media: ClassVar[bool] = True
    script: ClassVar[list[Any]] = []

    @classmethod
    async def create_async_generator(cls, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        for item in cls.script:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, float):
                await asyncio.sleep(item)
            else:
                yield item


async def heard(model: Model, messages: Any = HELLO, **options: Any) -> list[Any]:
    async with aclosing(model.stream(messages, **options)) as chunks:
        return [chunk async for chunk in chunks]


def scripted(file: Path, *script: Any) -> Model:
    Scripted.script = list(script)
    return record(Model(Scripted, "small"), file)


async def test_every_kind_of_piece_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    assert await heard(scripted(file, *ALL)) == ALL
    (model,) = replay(file).values()
    assert await heard(model) == ALL
    assert model.label == "small"
    assert {type(chunk) for chunk in ALL} == set(types.Chunk.__args__), "each kind is tried"


async def test_delays_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    await heard(scripted(file, "a", 0.05, "b", 0.05))
    recorded = json.loads(file.read_text())
    (first, _), (second, _) = recorded["pieces"]
    assert first < second
    assert second >= 0.05
    assert recorded["seconds_to_end"] >= 0.05
    started = time.monotonic()
    assert await heard(replay(file)["small"]) == ["a", "b"]
    assert time.monotonic() - started >= 0.1


async def test_what_the_reader_takes_is_not_the_models_delay(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    async with aclosing(scripted(file, "a", "b").stream(HELLO)) as chunks:
        async for _ in chunks:
            await asyncio.sleep(0.2)
    recorded = json.loads(file.read_text())
    assert sum(seconds for seconds, _ in recorded["pieces"]) < 0.2


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("Slow down.", status=429, body=b"secret", retry_after=7.5, code="busy"),
        StreamError("It was cut.", partial="Hel", retryable=True),
        errors.TransportTimeout("It took too long."),
        errors.ConnectError("Nobody is there.", retryable=False),
        UsageError("No."),
    ],
)
async def test_errors_come_back_where_they_were(tmp_path: Path, error: DynasparkError) -> None:
    file = tmp_path / "tape"
    with pytest.raises(type(error)):
        await heard(scripted(file, "Hel", error))
    assert "secret" not in file.read_text()
    heard_before: list[Any] = []
    with pytest.raises(type(error)) as caught:
        async for chunk in replay(file)["small"].stream(HELLO):
            heard_before.append(chunk)
    again = caught.value
    assert heard_before == ["Hel"]
    assert str(again) == str(error)
    for name in ("status", "retry_after", "code", "partial", "retryable"):
        assert getattr(again, name, None) == getattr(error, name, None)


async def test_an_answer_that_was_left_is_not_recorded(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    async with aclosing(scripted(file, "a", "b").stream(HELLO)) as chunks:
        async for _ in chunks:
            break
    with pytest.raises(ZeroDivisionError):
        await heard(scripted(file, "a", ZeroDivisionError()))
    assert file.read_text() == ""
    with pytest.raises(UsageError, match="holds no recorded answer"):
        replay(file)


async def test_answers_are_found_by_chat_and_pictures_not_by_options(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    echo = record(registry.find("echo"), file)
    other = [{"role": "user", "content": "other"}]
    await heard(echo, HELLO)
    await heard(echo, other, media=[PNG])
    model = replay(file)["echo"]
    assert "other" in await heard(model, other, media=[(PNG, "name.png")], temperature=2)
    assert "hello" in await heard(model, HELLO, stream=False)
    for messages, media in [(other, None), (HELLO, [PNG]), (other, [PNG + b"x"])]:
        with pytest.raises(UsageError, match="holds no answer to this request"):
            await heard(model, messages, media=media)


async def test_asked_the_same_again_the_next_answer_comes_and_the_last_one_stays(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tape"
    for word in ("one", "two"):
        await heard(scripted(file, word))
    model = replay(file)["small"]
    assert [await heard(model) for _ in range(4)] == [["one"], ["two"], ["two"], ["two"]]


async def test_several_models_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    for name in ("a", "b"):
        Scripted.script = [name]
        await heard(record(Model(Scripted), file, name=name))
    models = replay(file)
    assert list(models) == ["a", "b"]
    assert await heard(models["b"]) == ["b"]


async def test_many_at_once_are_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    echo = record(registry.find("echo"), file)
    chats = [[{"role": "user", "content": f"hello {n} " * 200}] for n in range(50)]
    await asyncio.gather(*(heard(echo, chat) for chat in chats))
    model = replay(file)["echo"]
    for chat in chats:
        assert "".join(p for p in await heard(model, chat) if isinstance(p, str)) in (
            chat[0]["content"],
            chat[0]["content"].strip(),
        )


async def test_a_torn_last_line_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tape"
    await heard(scripted(file, "a"))
    whole = file.read_bytes()
    with caplog.at_level(logging.WARNING):
        for cut in range(1, len(whole) - 1):
            file.write_bytes(whole + whole[:cut])
            caplog.clear()
            assert await heard(replay(file)["small"]) == ["a"]
            assert f"The last line of {file} is cut off and was left out." in caplog.text


async def test_recording_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    await heard(scripted(file, "a"))
    file.write_bytes(file.read_bytes() + b'{"model": "sm')
    await heard(scripted(file, "b"))
    model = replay(file)["small"]
    assert [await heard(model), await heard(model)] == [["a"], ["b"]]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b"\xff",
        b'{"model": 1, "request": "", "pieces": []}',
        b'{"model": "m", "request": "", "pieces": [[0.1, {"type": "Nonsense"}]]}',
        b'{"model": "m", "request": "", "pieces": [[0.1, {}]]}',
        b'{"model": "m", "request": "", "pieces": [["x", "y"]]}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "tape"
    file.write_bytes(b'{"model": "m", "request": "", "pieces": []}\n' + line + b"\n")
    with pytest.raises(UsageError, match=r"Line 2 of .* is no recorded answer"):
        replay(file)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        record(registry.find("echo"), tmp_path / "tape")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "tape").stat().st_mode) == 0o600


def test_links_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "", "no/such/folder", "pipe"):
        with pytest.raises(UsageError):
            record(registry.find("echo"), tmp_path / name)
    for name in ("link", "", "missing", "pipe"):
        with pytest.raises(UsageError):
            replay(tmp_path / name)
    assert (tmp_path / "real").read_text() == "mine"


async def test_the_models_life_is_that_of_the_recorded_one(tmp_path: Path) -> None:
    calls: list[str] = []

    class Living(Scripted):
        @classmethod
        async def open(cls, **options: Any) -> None:
            calls.append("open")

        @classmethod
        async def aclose(cls) -> None:
            calls.append("close")

    async with record(Model(Living), tmp_path / "tape"):
        assert calls == ["open"]
    assert calls == ["open", "close"]


@given(st.lists(st.text(), max_size=6))
def test_any_text_in_any_pieces(pieces: list[str]) -> None:
    async def there_and_back(file: Path) -> None:
        await heard(scripted(file, *pieces))
        assert await heard(replay(file)["small"]) == pieces

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(Path(folder) / "tape"))


@asynccontextmanager
async def serving(*options: str) -> AsyncIterator[str]:
    command = [sys.executable, "-m", "aiodynaspark", "serve", "--port", "0", *options]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        yield (await process.stderr.readline()).decode().split(" at ")[1].split()[0]
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_the_server_records_and_plays_back(tmp_path: Path) -> None:
    file = str(tmp_path / "tape")
    async with serving("--provider", "echo", "--record", file) as url:
        assert await Dynaspark.create_async("", HELLO, url=url) == "hello"
    async with serving("--replay", file) as url:
        assert await Dynaspark.create_async("", HELLO, url=url) == "hello"
        with pytest.raises(errors.ResponseError, match="holds no answer"):
            await Dynaspark.create_async("", [{"role": "user", "content": "?"}], url=url)


async def test_a_full_disk_is_said() -> None:
    full = Path("/dev/full")
    with pytest.raises(UsageError, match="is no file"):
        record(registry.find("echo"), full)


async def test_behind_a_server_in_this_process(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    async with running(Catalog({"m": scripted(file, "a", "b")})) as url:
        assert await Dynaspark.create_async("", HELLO, url=url) == "ab"
    async with running(Catalog(replay(file))) as url:
        assert await Dynaspark.create_async("", HELLO, url=url) == "ab"
