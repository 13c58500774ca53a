"""``dynaspark batch`` as a person starts it, and as the world ends it."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.batch_kill import CONCURRENCY, drill
from upstream import answer, hold, upstream

from aiodynaspark.batch import Tally
from aiodynaspark.cli.batch_progress import Speed, clock, summary

BATCH = [sys.executable, "-m", "aiodynaspark", "batch"]
ROWS = 2_000


def batch(*arguments: Any, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [*BATCH, *map(str, arguments)]
    settings = {"stdin": subprocess.DEVNULL, "timeout": 300, **more}
    if "input" in settings:
        del settings["stdin"]
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)


async def started(*arguments: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *BATCH, *map(str, arguments), stderr=asyncio.subprocess.PIPE
    )


def written(path: Path) -> list[str]:
    """The ids of the rows; every line has to be whole."""
    assert path.read_bytes().endswith(b"\n")
    return [json.loads(line)["custom_id"] for line in path.read_bytes().splitlines()]


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.jsonl"
    rows = (json.dumps({"prompt": f"question {n}", "custom_id": f"r{n}"}) for n in range(ROWS))
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


class TestTheCommand:
    def test_sums_up_and_ends_with_0(self, jobs: Path, tmp_path: Path) -> None:
        done = batch(jobs, tmp_path / "out.jsonl", "-m", "echo")
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("2,000 of 2,000 rows finished, 0 failed; ")
        assert done.stderr.endswith(" rows/s, 0 retries, 8,000 tokens.\n")

    def test_ends_with_3_where_rows_failed(self, tmp_path: Path) -> None:
        out, errors = tmp_path / "out.jsonl", tmp_path / "bad.jsonl"
        done = batch("-", out, "--errors", errors, "-m", "echo", input='{"prompt": "a"}\n{"a": 1}')
        assert done.returncode == 3
        assert "2 of 2 rows finished, 1 failed" in done.stderr
        assert f"{errors} says what failed" in done.stderr
        assert len(written(errors)) == 1

    def test_ends_with_2_where_the_set_up_is_wrong(self, jobs: Path, tmp_path: Path) -> None:
        for arguments in (
            ["missing", tmp_path / "out"],
            [jobs, tmp_path],
            [jobs, tmp_path / "out", "--concurrency", "many"],
            [jobs, tmp_path / "out", "--concurrency", "257"],
            [jobs, tmp_path / "out", "--rpm", "0"],
            [jobs, "-"],
            [jobs, tmp_path / "out", "--errors", "-"],
        ):
            done = batch(*arguments, "-m", "echo")
            assert done.returncode == 2, done.stderr
            assert "Traceback" not in done.stderr

    def test_ends_with_4_where_the_key_is_refused(self, jobs: Path, tmp_path: Path) -> None:
        async def refused() -> None:
            async with upstream(answer("{}", 401)) as server:
                run = await started(jobs, tmp_path / "out.jsonl", "--url", server.url)
                _, said = await run.communicate()
                assert run.returncode == 4, said

        asyncio.run(refused())

    def test_names_the_model_for_all_rows(self, tmp_path: Path) -> None:
        row = '{"prompt": "a", "model": "another"}'
        batch("-", tmp_path / "out.jsonl", "-m", "echo", input=row)
        assert '"model":"echo"' in (tmp_path / "out.jsonl").read_text()


class TestProgress:
    def test_tells_speed_and_time_left(self) -> None:
        tally = Tally(rows=100, earlier=10, answered=40, failed_now=5, failed=7, retries=2)
        speed = Speed(tally, now=0)
        assert (speed.rate(9), speed.left(9)) == (5, 9)
        said = "55 of 100 rows finished, 10 of them before, 7 failed; 5.0 rows/s, 2 retries."
        assert summary(tally, 9, speed) == said

    def test_knows_no_end_before_anything_is_done(self) -> None:
        assert Speed(Tally(rows=100), now=0).left(5) is None

    @pytest.mark.parametrize(
        ("seconds", "shown"), [(None, "?"), (5, "0:05"), (65.4, "1:05"), (3_661, "1:01:01")]
    )
    def test_shows_times_as_a_clock_does(self, seconds: float | None, shown: str) -> None:
        assert clock(seconds) == shown

    def test_is_a_bar_on_a_terminal(self, jobs: Path, tmp_path: Path) -> None:
        controller, terminal = os.openpty()
        command = [*BATCH, str(jobs), str(tmp_path / "out.jsonl"), "-m", "echo"]
        with subprocess.Popen(command, stderr=terminal, stdin=subprocess.DEVNULL) as run:
            os.close(terminal)
            shown = b"".join(_until_closed(controller))
        os.close(controller)
        assert run.returncode == 0
        assert b"2000/2000" in shown
        assert b"\x1b[2K2,000 of 2,000 rows finished" in shown  # on a line of its own


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(terminal, 65_536)
        except OSError:  # the other side is closed
            return


@contextmanager
def small_disk(directory: Path) -> Iterator[tuple[Path, dict[str, Any], Callable[[], None]]]:
    """A place for 64 KiB, what a process is started with there, and what makes it larger.

    Where mounting is not allowed, a limit on the size of files stands in for the disk's.
    """
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        more: dict[str, Any] = {
            "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
        }
        yield directory, more, more.clear
        return
    larger = ["mount", "-o", "remount,size=16m", str(directory)]
    try:
        yield directory, {}, lambda: subprocess.run(larger, check=True) and None
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_a_disk_that_fills_ends_with_74_and_is_resumed(jobs: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as (disk, settings, enlarge):
        out = disk / "out.jsonl"
        done = batch(jobs, out, "-m", "echo", **settings)
        assert done.returncode == 74, done.stderr
        assert str(out) in done.stderr
        assert "Traceback" not in done.stderr
        assert 0 < len(written(out)) < ROWS
        enlarge()
        done = batch(jobs, out, "-m", "echo", **settings)
        assert done.returncode == 0, done.stderr
        assert sorted(written(out)) == sorted(f"r{n}" for n in range(ROWS))


async def test_ctrl_c_lets_rows_under_way_end_and_ends_with_130(jobs: Path, tmp_path: Path) -> None:
    out, release = tmp_path / "out.jsonl", asyncio.Event()
    async with upstream(hold(release)) as server:
        arguments = [jobs, out, "--url", server.url, "--concurrency", 4, "--limit", 20]
        run = await started(*arguments)
        await _seen(server, 4)
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert b"Stopping" in await run.stderr.readline()
        release.set()
        assert await run.wait() == 130
        assert len(written(out)) == 4
        again = await started(*arguments)
        assert await again.wait() == 0
    assert len(written(out)) == len(set(written(out))) == 20


async def test_a_second_ctrl_c_ends_at_once(jobs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    async with upstream(hold()) as server:
        run = await started(jobs, out, "--url", server.url)
        await _seen(server, 1)
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert b"Stopping" in await run.stderr.readline()
        run.send_signal(signal.SIGINT)
        assert await run.wait() == 130
    assert out.read_bytes() == b""


async def test_two_processes_never_share_an_output(jobs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    async with upstream(hold()) as server:
        first = await started(jobs, out, "--url", server.url)
        await _seen(server, 1)
        second = await started(jobs, out, "--url", server.url)
        _, said = await second.communicate()
        assert second.returncode == 2
        assert b"another run" in said
        first.kill()
        await first.communicate()


async def _seen(server: Any, count: int) -> None:
    while len(server.seen) < count:
        await asyncio.sleep(0.01)


@pytest.mark.long
async def test_no_row_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    report = await drill(tmp_path, kills=10, rows=ROWS, seed=10)
    assert report.kills == 10
    assert (report.lost, report.doubled, report.changed) == (0, 0, 0)
    assert report.repeated <= report.kills * CONCURRENCY


@pytest.mark.long
def test_a_million_rows_take_less_than_200_mb(tmp_path: Path) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out.jsonl"
    with jobs.open("w") as file:
        file.writelines(f'{{"custom_id":"r{n}","prompt":"q {n}"}}\n' for n in range(1_000_000))
    command = [*BATCH, str(jobs), str(out), "-m", "echo"]
    for _ in range(2):  # the second run finds all of them finished
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as run:
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        assert run.returncode == 0
        assert usage.ru_maxrss < 200_000  # kilobytes
    with out.open("rb") as file:
        assert sum(1 for _ in file) == 1_000_000
