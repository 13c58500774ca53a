"""What is on the disk: torn tails, rows of others, a full disk, two writers."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark import UsageError, registry
from aiodynaspark.batch import run
from aiodynaspark.batch.journal import Journal
from aiodynaspark.batch.keys import Keys, derived_key
from aiodynaspark.batch.ledger import Ledger

ECHO = registry.find("echo")


def row(name: str, **more: object) -> dict[str, object]:
    return {"id": "batch_req_1", "custom_id": name, **more}


def rows_of(path: Path) -> dict[str, str]:
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len({line["custom_id"] for line in found}) == len(found)
    return {
        line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"]
        for line in found
    }


async def test_an_output_cut_at_any_byte_of_its_last_three_lines_resumes_right(
    tmp_path: Path,
) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    jobs.write_text("".join(f'{{"prompt": "{n}", "custom_id": "{n}"}}\n' for n in range(5)))
    await run(jobs, ECHO, out=out)
    whole = out.read_bytes()
    wanted = rows_of(out)
    begin = len(b"".join(whole.splitlines(keepends=True)[:2]))
    for cut in range(begin, len(whole) + 1):
        out.write_bytes(whole[:cut])
        tally = await run(jobs, ECHO, out=out)
        assert rows_of(out) == wanted
        assert tally.answered == 5 - whole[:cut].count(b"\n")


class TestAJournal:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "out.jsonl"

    def recovered(self, path: Path) -> list[str]:
        journal = Journal(path)
        try:
            return list(journal.recover())
        finally:
            journal.close()

    def test_gives_back_what_was_written(self, path: Path) -> None:
        journal = Journal(path)
        for name in ("a", "b\n", "\ud800", "ä" * 100_000):
            journal.write(row(name))
        assert journal.unsynced == 4
        journal.sync()
        assert journal.unsynced == 0
        journal.close()
        assert self.recovered(path) == ["a", "b\n", "\ufffd", "ä" * 100_000]

    def test_cuts_off_what_a_power_cut_left(self, path: Path) -> None:
        path.write_bytes(b'{"id":"batch_req_1","custom_id":"a"}\n{"id":"batch_req_2","cus\0\0\0')
        assert self.recovered(path) == ["a"]
        assert path.read_bytes().endswith(b'"a"}\n')

    @pytest.mark.parametrize(
        "foreign", [b"precious", b"[]\n", b"{}\n", b'{"custom_id": 1}\n', b"\xff\n", b"\n"]
    )
    def test_never_touches_what_is_no_row(self, path: Path, foreign: bytes) -> None:
        content = b'{"id":"batch_req_1","custom_id":"a"}\n' + foreign
        path.write_bytes(content)
        with pytest.raises(UsageError, match="line 2, is no row of a batch"):
            self.recovered(path)
        assert path.read_bytes() == content

    def test_has_one_writer(self, path: Path) -> None:
        journal = Journal(path)
        with pytest.raises(UsageError, match="another run"):
            Journal(path)
        journal.close()
        Journal(path).close()

    def test_ends_with_a_whole_row_when_no_more_fits(self, path: Path) -> None:
        journal = Journal(path)
        journal.write(row("a"))
        size = path.stat().st_size
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, most))
        try:
            with pytest.raises(OSError, match=str(path)) as failed:
                journal.write(row("b" * 100))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        assert failed.value.errno == errno.EFBIG
        assert path.stat().st_size == size
        journal.write(row("c"))
        journal.close()
        assert self.recovered(path) == ["a", "c"]

    def test_tells_at_the_next_write_that_the_disk_did_not_keep_the_last(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(descriptor: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        journal = Journal(path)
        monkeypatch.setattr("os.fsync", broken)
        journal.write(row("a"))
        journal.sync()
        with pytest.raises(OSError, match="Input/output error"):
            journal.write(row("b"))
        with pytest.raises(OSError, match="Input/output error"):
            journal.close()


def test_a_ledger_lets_go_of_the_first_output_where_the_second_is_refused(tmp_path: Path) -> None:
    out, errors = tmp_path / "out", tmp_path / "errors"
    errors.mkdir()
    with (tmp_path / "in").open("w+b") as source:
        with pytest.raises(UsageError):
            Ledger(out, errors, source)
    Journal(out).close()


async def test_a_row_in_both_outputs_stops_the_run(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    await run([{"prompt": "a", "custom_id": "a"}], ECHO, out=out)
    (tmp_path / "out.errors.jsonl").write_bytes(out.read_bytes())
    with pytest.raises(UsageError, match="in the outputs already"):
        await run([{"prompt": "a", "custom_id": "a"}], ECHO, out=out)


class TestKeys:
    @given(st.lists(st.text()))
    def test_are_a_set(self, keys: list[str]) -> None:
        known: set[str] = set()
        compact = Keys()
        for key in keys:
            assert (key in compact) == (key in known)
            assert compact.add(key) == (key not in known)
            known.add(key)
        assert len(compact) == len(known)

    def test_in_one_bucket_stay_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Keys, "_place", lambda self, key: (self._buckets[b""], key.encode()))
        keys = Keys()
        assert keys.add("a" * 16)
        assert keys.add("a" * 8 + "b" * 8)
        assert "a" * 15 + "b" not in keys
        assert "b" * 8 + "a" * 8 not in keys
        assert keys.add("b" * 8 + "a" * 8)
        assert len(keys) == 3

    def test_derived_ones_tell_apart_what_differs(self, tmp_path: Path) -> None:
        picture = tmp_path / "a.png"
        picture.write_bytes(b"a")
        contents = [["a", "b"], ["ab"], [["a"], "b"], {"a": "b"}]
        found = [derived_key(content) for content in contents]
        found += [derived_key(["a"], pictures) for pictures in (["a"], ["a", "a"], [picture])]
        assert len(set(found)) == 7
        assert derived_key({"a": 1, "b": 2}) == derived_key({"b": 2, "a": 1})
