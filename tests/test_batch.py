"""A batch from input to output: what rows may look like, what is refused, how a run goes on."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from aiodynaspark import Delta, Facts, FinishReason, Model, ServedBy, UsageError, registry
from aiodynaspark.batch import Tally, run
from aiodynaspark.batch.lines import MAX_LINE

ECHO = registry.find("echo")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DATA_URI = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def openai(content: Any = "hi", **changed: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    row = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return {**row, **changed}


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def said(row: dict[str, Any]) -> str:
    return row["response"]["body"]["choices"][0]["message"]["content"]


class Desk:
    """A directory with an input and the outputs of the runs over it."""

    def __init__(self, directory: Path) -> None:
        self.jobs = directory / "jobs.jsonl"
        self.out = directory / "answers.jsonl"
        self.errors = directory / "answers.errors.jsonl"
        self.manifest = directory / "answers.manifest.json"

    async def run(self, *lines: Any, model: Model = ECHO, **settings: Any) -> Tally:
        if lines:
            texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
            self.jobs.write_text("".join(f"{text}\n" for text in texts))
        return await run(self.jobs, model, out=self.out, **settings)

    def answers(self) -> dict[str, str]:
        return {row["custom_id"]: said(row) for row in written(self.out)}

    def faults(self) -> dict[str, str]:
        return {row["id"]: row["error"]["message"] for row in written(self.errors)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestRows:
    async def test_are_answered_in_the_shape_of_openais_batches(self, desk: Desk) -> None:
        tally = await desk.run(openai("hello there"))
        (row,) = written(desk.out)
        body = row["response"].pop("body")
        assert isinstance(body.pop("created"), int)
        assert row == {
            "id": "batch_req_1",
            "custom_id": "a",
            "response": {"status_code": 200, "request_id": "req_1"},
            "error": None,
        }
        message = {"role": "assistant", "content": "hello there", "refusal": None}
        assert body == {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "m",
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4},
        }
        assert (tally.rows, tally.answered, tally.failed) == (1, 1, 0)
        assert (tally.prompt_tokens, tally.completion_tokens) == (2, 2)

    async def test_of_the_short_form_need_a_prompt_alone(self, desk: Desk) -> None:
        await desk.run({"prompt": "one"}, {"prompt": "two", "custom_id": "b"})
        assert sorted(desk.answers().values()) == ["one", "two"]
        assert desk.answers()["b"] == "two"

    async def test_that_are_equal_are_each_answered(self, desk: Desk) -> None:
        await desk.run(*[{"prompt": "same"}] * 3)
        assert len(desk.answers()) == 3
        tally = await desk.run()
        assert (tally.earlier, tally.answered) == (3, 0)

    async def test_of_one_content_have_one_key_however_they_are_written(self, desk: Desk) -> None:
        await desk.run('{"prompt": "a", "seed": 1}')
        tally = await desk.run('{ "seed":1, "prompt":"\\u0061" }', force=True)
        assert (tally.earlier, tally.answered) == (1, 0)

    async def test_may_come_compressed(self, desk: Desk, tmp_path: Path) -> None:
        packed = tmp_path / "jobs.jsonl.gz"
        packed.write_bytes(gzip.compress(b'\xef\xbb\xbf{"prompt": "a"}\r\n\n{"prompt": "b"}'))
        await run(packed, ECHO, out=desk.out)
        assert sorted(desk.answers().values()) == ["a", "b"]
        assert [row["id"] for row in written(desk.out)] == ["batch_req_1", "batch_req_3"]

    async def test_may_be_bare_prompts_from_a_pipe(self, desk: Desk) -> None:
        await run(io.BytesIO(b"first prompt\n\nsecond {prompt}\n"), ECHO, out=desk.out)
        assert sorted(desk.answers().values()) == ["first prompt", "second {prompt}"]

    async def test_may_be_objects_from_a_pipe(self, desk: Desk) -> None:
        await run(io.BytesIO(b'{"prompt": "a"}\n'), ECHO, out=desk.out)
        assert list(desk.answers().values()) == ["a"]

    async def test_may_be_a_programs_own(self, desk: Desk) -> None:
        await run(["a", {"prompt": "b", "custom_id": "x"}], ECHO, out=desk.out)
        assert desk.answers()["x"] == "b"
        assert len(desk.answers()) == 2

    async def test_may_have_ids_that_look_like_paths(self, desk: Desk) -> None:
        ids = ["../../etc/passwd", "a/../b", "x\u0000y", "\u2028"]
        await desk.run(*({"prompt": "p", "custom_id": name} for name in ids))
        assert list(desk.answers()) == ids
        assert len(list(desk.out.parent.iterdir())) == 4

    async def test_hand_their_options_to_the_model(self, desk: Desk) -> None:
        Scripted.chunks, Scripted.asked = ["ok"], []
        body = {**openai()["body"], "temperature": 0.5, "stop": None, "stream": True}
        system = {"system": "be brief", "model": Model(Scripted)}
        await desk.run(openai(body=body), {"prompt": "p", "system": "be long"}, **system)
        first, second = Scripted.asked
        assert (first["model"], first["temperature"], first["stream"]) == ("m", 0.5, False)
        assert "stop" not in first
        assert first["messages"][0] == {"role": "system", "content": "be brief"}
        assert second["messages"][0] == {"role": "system", "content": "be long"}

    async def test_do_not_choose_the_model_where_the_run_names_one(self, desk: Desk) -> None:
        Scripted.chunks, Scripted.asked = ["ok"], []
        await desk.run(openai(), model=Model(Scripted, "mine"))
        assert Scripted.asked[0]["model"] == "mine"

    async def test_keep_what_is_more_than_text(self, desk: Desk) -> None:
        call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
        Scripted.chunks = [
            *(Facts("image/png", 1, 1, 70), ServedBy("other"), "half a pair: \ud800"),
            *(Delta(0, {"tool_calls": [call]}), FinishReason("tool_calls")),
        ]
        await desk.run(openai(), model=Model(Scripted))
        body = written(desk.out)[0]["response"]["body"]
        (choice,) = body["choices"]
        assert (body["model"], body["facts"][0]["width"]) == ("other", 1)
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["content"] == "half a pair: \ufffd"
        assert choice["message"]["tool_calls"][0]["function"]["name"] == "f"


class TestPictures:
    async def test_lie_beside_the_input_or_in_the_row(self, desk: Desk) -> None:
        (desk.jobs.parent / "a.png").write_bytes(PNG)
        Scripted.chunks, Scripted.asked = ["seen"], []
        in_message = [{"type": "image_url", "image_url": {"url": "a.png"}}]
        await desk.run(
            {"prompt": "p", "image": "a.png"},
            {"prompt": "p", "image": [DATA_URI, "a.png"]},
            openai(in_message),
            model=Model(Scripted),
        )
        file = (desk.jobs.parent / "a.png", "a.png")
        assert [asked["media"] for asked in Scripted.asked] == [[file], [DATA_URI, file], None]
        assert Scripted.asked[2]["messages"][0]["content"][0]["image_url"]["url"] == DATA_URI

    async def test_are_part_of_a_rows_key(self, desk: Desk) -> None:
        for index, data in enumerate((PNG, PNG, PNG + b"\0")):
            (desk.jobs.parent / f"{index}.png").write_bytes(data)
        await desk.run(*({"prompt": "p", "image": f"{index}.png"} for index in range(3)))
        first, second, third = desk.answers()
        assert second == f"{first}-2"
        assert not third.startswith(first)

    @pytest.mark.parametrize(
        ("image", "fault"),
        [
            ("missing.png", "There is no picture"),
            ("jobs.jsonl", "looks like text"),
            ("/etc/hostname", "outside"),
            ("../secret.png", "outside"),
            ("link.png", "outside"),
            ("pipe", "There is no picture"),
            ("a\0b.png", "cannot be a path"),
            ("http://127.0.0.1/a.png", "never fetched"),
            ("file:///etc/passwd", "never fetched"),
            ("data:image/png;base64,AAAA", "is no picture"),
            ("data:image/svg+xml;base64,PHN2Zz4=", "must hold a png"),
        ],
    )
    @pytest.mark.parametrize("form", ["short", "openai"])
    async def test_that_are_none_make_a_bad_row(
        self, desk: Desk, image: str, fault: str, form: str
    ) -> None:
        directory = desk.jobs.parent / "inside"
        directory.mkdir()
        desk.jobs = directory / "jobs.jsonl"
        (directory.parent / "secret.png").write_bytes(PNG)
        (directory / "link.png").symlink_to(directory.parent / "secret.png")
        os.mkfifo(directory / "pipe")
        if form == "short":
            await desk.run({"prompt": "p", "image": image})
        else:
            await desk.run(openai([{"type": "image_url", "image_url": {"url": image}}]))
        (message,) = desk.faults().values()
        assert message.startswith("Line 1: ")
        assert fault in message
        assert not desk.answers()

    async def test_may_lie_elsewhere_where_that_is_allowed(
        self, desk: Desk, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        elsewhere = tmp_path_factory.mktemp("pictures")
        (elsewhere / "a.png").write_bytes(PNG)
        await desk.run({"prompt": "p", "image": f"{elsewhere}/a.png"}, allow_dirs=[elsewhere])
        assert list(desk.answers().values()) == ["p"]


BAD_LINES = {
    "nonsense": "is no JSON",
    "[1]": "no object",
    '{"prompt": "a\0b"}': "NUL",
    '{"prompt": NaN}': "is no JSON",
    '{"a": ' + "[" * 9_999 + "]" * 9_999 + "}": "is no JSON",
    '{"prompt": 1}': "prompt must be a text",
    '{"text": "a"}': "no 'text' in the row",
    '{"custom_id": "a"}': "has no prompt",
    '{"prompt": "a", "image": 42}': "image must be",
    '{"prompt": "a", "custom_id": 1}': "custom_id must be",
    '{"prompt": "a", "custom_id": ""}': "custom_id must be",
    '{"prompt": "a", "api_key": "secret"}': "no 'api_key' in the row",
    json.dumps(openai(method="GET")): "must be POST",
    json.dumps(openai(url="/v1/embeddings")): "url must be /v1/chat/completions",
    json.dumps(openai(body=[])): "body must be an object",
    json.dumps(openai(body={"messages": []})): "must be a list that is not empty",
    json.dumps(openai(body={"messages": ["hi"]})): "messages[0]",
    json.dumps(openai(body={**openai()["body"], "base_url": "x"})): "no 'base_url' in the body",
}


class TestBadRows:
    @pytest.mark.parametrize(("line", "fault"), BAD_LINES.items(), ids=BAD_LINES.values())
    async def test_are_errors_with_their_line(self, desk: Desk, line: str, fault: str) -> None:
        tally = await desk.run({"prompt": "good"}, line)
        (message,) = desk.faults().values()
        assert message.startswith("Line 2: ")
        assert fault in message
        assert "secret" not in message
        assert (tally.answered, tally.failed) == (1, 1)

    async def test_may_be_no_utf_8(self, desk: Desk) -> None:
        desk.jobs.write_bytes(b'{"prompt": "\xff"}\n\xff\xfe\n')
        await desk.run()
        assert all("is no UTF-8" in message for message in desk.faults().values())
        assert len(desk.faults()) == 2

    async def test_may_be_too_long_to_be_read(self, desk: Desk) -> None:
        long = "x" * MAX_LINE
        await desk.run(3 * long, {"prompt": "good"}, long, f"{long}y")
        assert list(desk.answers().values()) == ["good"]
        assert len(desk.faults()) == 3

    async def test_are_counted_once_however_often_it_is_run(self, desk: Desk) -> None:
        await desk.run("nonsense", "nonsense")
        tally = await desk.run()
        assert (tally.earlier, tally.failed, tally.failed_now) == (2, 2, 0)
        assert len(desk.faults()) == 2

    async def test_may_hold_half_a_surrogate_pair(self, desk: Desk) -> None:
        await desk.run('{"prompt": "a\\ud800b"}')
        assert list(desk.answers().values()) == ["a\ufffdb"]


class TestGoingOn:
    async def test_asks_again_about_failures_where_that_is_wanted(self, desk: Desk) -> None:
        Scripted.chunks = [UsageError("No.")]
        await desk.run({"prompt": "p"}, model=Model(Scripted))
        Scripted.chunks = ["yes"]
        assert (await desk.run(model=Model(Scripted))).failed == 1
        tally = await desk.run(model=Model(Scripted), retry_errors=True)
        assert (tally.failed, tally.answered, desk.faults()) == (0, 1, {})

    async def test_takes_the_first_rows_and_then_the_rest(self, desk: Desk) -> None:
        rows = [{"prompt": str(number)} for number in range(10)]
        assert (await desk.run(*rows, limit=3)).answered == 3
        assert (await desk.run(limit=5)).answered == 2
        assert (await desk.run()).answered == 5
        assert sorted(desk.answers().values()) == [str(number) for number in range(10)]

    async def test_needs_the_same_input_model_and_settings(self, desk: Desk) -> None:
        await desk.run({"prompt": "a"})
        before = desk.out.read_bytes()
        with pytest.raises(UsageError, match="another input"):
            await desk.run({"prompt": "b"})
        with pytest.raises(UsageError, match="another input and another provider and another mod"):
            await desk.run(model=Model(Scripted, "x"))
        with pytest.raises(UsageError, match="another settings"):
            await desk.run({"prompt": "a"}, system="be brief")
        assert desk.out.read_bytes() == before
        await desk.run({"prompt": "b"}, force=True)
        assert sorted(desk.answers().values()) == ["a", "b"]
        assert (await desk.run()).earlier == 1

    async def test_never_writes_a_key_into_the_manifest(self, desk: Desk) -> None:
        options = {"api_key": "secret", "headers": {"x": "secret"}, "temperature": 0.5}
        await desk.run({"prompt": "a"}, model=Model(ECHO.provider, "", options))
        assert "secret" not in desk.manifest.read_text()
        assert json.loads(desk.manifest.read_text())["settings"] == {"temperature": 0.5}


class TestBadSetUps:
    """Each is refused before the first call, and changes nothing."""

    async def refused(self, desk: Desk, match: str, *lines: Any, **settings: Any) -> None:
        Scripted.chunks, Scripted.asked = ["ok"], []
        with pytest.raises(UsageError, match=match):
            await desk.run(*(lines or [{"prompt": "a"}]), model=Model(Scripted), **settings)
        assert Scripted.asked == []

    async def test_an_id_that_is_there_twice(self, desk: Desk) -> None:
        row = {"prompt": "a", "custom_id": "x"}
        await self.refused(desk, r"line 3: the custom_id 'x' was there before", row, "?", row)

    async def test_an_output_that_is_a_link(self, desk: Desk) -> None:
        desk.out.symlink_to(desk.out.parent / "elsewhere")
        await self.refused(desk, "symbolic link")
        assert not (desk.out.parent / "elsewhere").exists()

    async def test_errors_that_are_a_link(self, desk: Desk) -> None:
        desk.errors.symlink_to(desk.out.parent / "elsewhere")
        await self.refused(desk, "symbolic link")

    async def test_an_output_that_is_a_directory(self, desk: Desk) -> None:
        desk.out.mkdir()
        await self.refused(desk, "directory")

    async def test_an_output_that_is_a_pipe(self, desk: Desk) -> None:
        os.mkfifo(desk.out)
        await self.refused(desk, "no regular file")

    async def test_an_output_without_a_directory(self, desk: Desk) -> None:
        desk.out = desk.out.parent / "nowhere" / "out.jsonl"
        await self.refused(desk, "no directory")
        with pytest.raises(UsageError, match="no directory"):
            await run(io.BytesIO(b"a"), ECHO, out=desk.out)

    async def test_an_output_that_is_compressed(self, desk: Desk) -> None:
        desk.out = desk.out.with_suffix(".gz")
        await self.refused(desk, r"without \.gz")

    async def test_an_output_that_is_the_input(self, desk: Desk) -> None:
        desk.out = desk.jobs
        await self.refused(desk, "is the input")

    async def test_errors_that_are_the_output(self, desk: Desk) -> None:
        await self.refused(desk, "cannot hold the failures too", errors=desk.out)

    async def test_errors_that_are_the_input(self, desk: Desk) -> None:
        await self.refused(desk, "is the input", errors=desk.jobs)

    async def test_an_output_that_holds_something_else(self, desk: Desk) -> None:
        desk.out.write_text("precious")
        await self.refused(desk, "holds something")
        await self.refused(desk, "line 1, is no row of a batch", force=True)
        assert desk.out.read_text() == "precious"

    async def test_a_manifest_that_is_none(self, desk: Desk) -> None:
        desk.manifest.write_text("{}")
        await self.refused(desk, "is no manifest")

    async def test_an_input_that_is_not_there(self, desk: Desk, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            await desk.run()
        with pytest.raises(UsageError, match="is a directory"):
            await run(tmp_path, ECHO, out=desk.out)

    async def test_an_input_that_is_cut(self, desk: Desk, tmp_path: Path) -> None:
        packed = tmp_path / "jobs.gz"
        packed.write_bytes(gzip.compress(b'{"prompt": "a"}\n' * 100)[:-9])
        with pytest.raises(UsageError, match="no whole gzip file"):
            await run(packed, ECHO, out=desk.out)

    @pytest.mark.parametrize(
        "setting", [{"concurrency": 0}, {"concurrency": 257}, {"rpm": 0}, {"limit": 0}]
    )
    async def test_a_number_out_of_range(self, desk: Desk, setting: dict[str, int]) -> None:
        await self.refused(desk, next(iter(setting)), **setting)
