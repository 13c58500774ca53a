"""The same batch on a Ray cluster: equal rows, whoever dies, and one limiter for all workers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from scripted import Scripted
from upstream import answer, until, upstream

import aiodynaspark
from aiodynaspark import (
    AuthenticationError,
    ConnectError,
    Dynaspark,
    DynasparkError,
    Model,
    UsageError,
    batch,
    batch_ray,
    registry,
)
from aiodynaspark.batch_ray.cluster import LOOPBACK, check
from aiodynaspark.batch_ray.gate import Gate, Report
from aiodynaspark.batch_ray.leases import Leases
from aiodynaspark.batch_ray.post import DEATHS, Feed, Post
from aiodynaspark.batch_ray.shift import Backlog
from aiodynaspark.batch_ray.travel import pack, unpack
from aiodynaspark.fallback import Fallback

BATCH = [sys.executable, "-m", "aiodynaspark", "batch"]
KEY = "sk-travels-nowhere"


class TestAModelThatTravels:
    def test_arrives_as_it_was(self) -> None:
        model = Model(Dynaspark, "m", {"url": "http://127.0.0.1:1", "timeout": 5.0})
        assert unpack(pack(model)) == model

    def test_takes_its_key_along_by_name_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DYNASPARK_API_KEY", KEY)
        model = Model(Dynaspark, "", {"api_key": KEY})
        parcel = pack(model)
        assert parcel.key == "DYNASPARK_API_KEY"
        assert KEY not in str(vars(parcel))
        assert unpack(parcel) == model
        monkeypatch.delenv("DYNASPARK_API_KEY")
        with pytest.raises(UsageError, match="DYNASPARK_API_KEY is not set on a node"):
            unpack(parcel)

    @pytest.mark.parametrize(
        ("model", "said"),
        [
            (Fallback.of([registry.find("echo")]), "A Fallback lives in one process"),
            (Model(Dynaspark, "", {"api_key": KEY}), "A key never travels"),
            (Model(Dynaspark, "", {"headers": {"Authorization": KEY}}), "A header with a key"),
            (Model(Dynaspark, "", {"proxy": f"http://u:{KEY}@127.0.0.1"}), "with a password"),
            (Model(Dynaspark, "", {"notify": print}), "an option that cannot travel"),
            (Model(type("Own", (Scripted,), {})), "stands in no module"),
        ],
    )
    def test_or_says_why_it_cannot(self, model: Model, said: str) -> None:
        with pytest.raises(UsageError, match=said) as caught:
            pack(model)
        assert KEY not in str(caught.value)


class TestTheGate:
    async def test_gives_no_more_than_there_is_to_all_together(self) -> None:
        gate = Gate(3, None)
        assert (await gate.report("a", Report(0, 2))).width == 2
        assert (await gate.report("b", Report(0, 2))).width == 1
        await gate.forget("a")
        assert (await gate.report("b", Report(1, 1))).width == 2

    async def test_takes_from_who_has_more_than_a_fair_part(self) -> None:
        gate = Gate(4, None)
        assert (await gate.report("a", Report(0, 9))).width == 4
        assert (await gate.report("b", Report(0, 9))).width == 0
        assert (await gate.report("a", Report(4, 5))).width == 2
        assert (await gate.report("b", Report(0, 9))).width == 0  # they are still under way
        assert (await gate.report("a", Report(2, 5))).width == 2
        assert (await gate.report("b", Report(0, 9))).width == 2

    async def test_gives_nothing_to_the_dead(self) -> None:
        gate = Gate(1, None)
        assert (await gate.report("a", Report(0, 1))).width == 1
        await gate.forget("a")
        assert (await gate.report("a", Report(1, 1))).width == 0
        assert (await gate.report("b", Report(0, 1))).width == 1

    async def test_widens_by_what_went_well_where_more_was_wanted(self) -> None:
        gate = Gate(None, None)
        assert (await gate.report("a", Report(0, 20))).width == 8
        assert (await gate.report("a", Report(4, 16, answered=4))).width == 12
        assert (await gate.report("a", Report(6, 0, answered=6))).limit == 18
        assert (await gate.report("a", Report(2, 0, answered=4))).limit == 18

    async def test_narrows_once_where_it_is_pushed_back(self) -> None:
        gate = Gate(None, None)
        share = await gate.report("a", Report(0, 20))
        for _ in range(2):
            narrow = await gate.report("a", Report(7, 13, pushed_back=share.now))
            assert narrow.limit == 5

    async def test_has_one_retry_budget(self) -> None:
        gate = Gate(8, None)
        await gate.report("a", Report(0, 1))

        async def retry() -> bool:
            return await gate.may_retry(0.0, 10.0, pushed_back=False, retry_after=None)

        assert [await retry() for _ in range(11)] == [True] * 10 + [False]
        assert await gate.figures() == (10, 8)
        await gate.report("a", Report(0, 0, answered=1, worth=11.0))
        assert await retry()

    async def test_spreads_rows_by_the_pace(self) -> None:
        gate = Gate(100, 600)
        begins = (await gate.report("a", Report(0, 100))).begins
        assert begins == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.05)

    async def test_waits_where_a_server_asked_for_it(self) -> None:
        gate = Gate(8, None)
        await gate.may_retry(0.0, 5.0, pushed_back=True, retry_after=30.0)
        assert (await gate.report("a", Report(0, 1))).hold == pytest.approx(30, abs=1)


class Reached:
    """A gate as a worker reaches it, without a process of its own."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=getattr(self._gate, name))


class TestAWorkersLeases:
    async def test_go_to_the_next_row_without_another_question(self) -> None:
        gate, backlog = Gate(2, None), Backlog()
        leases = Leases(Reached(gate), "a", backlog)
        backlog.put([{}] * 5)
        first, _ = await leases.acquire(), await leases.acquire()
        third = asyncio.create_task(leases.acquire())
        await asyncio.sleep(0)
        assert not third.done()
        await gate.forget("a")  # what it has, it has until it reports
        leases.release(first, answered=True)
        assert await third > first

    async def test_wait_for_the_pace(self) -> None:
        backlog = Backlog()
        leases = Leases(Reached(Gate(8, 6_000)), "a", backlog)
        backlog.put([{}] * 3)
        begun = [await leases.acquire() for _ in range(3)]
        assert begun[2] - begun[0] >= 0.02

    async def test_pay_back_what_a_retry_cost(self) -> None:
        gate, backlog = Gate(8, None), Backlog()
        leases = Leases(Reached(gate), "a", backlog)
        backlog.put([{}])
        lease = await leases.acquire()
        backlog.clear()
        assert await leases.may_retry(lease, ConnectError("Nobody answers.", retryable=True))
        assert gate._budget.left < gate._budget.capacity
        leases.release(lease, answered=True)
        await until(lambda: gate._budget.left == gate._budget.capacity)
        assert leases.figures == (1, 8)

    async def test_end_where_the_gate_is_no_more(self) -> None:
        class Gone:
            async def report(self, *_: object) -> None:
                raise EOFError

        backlog = Backlog()
        backlog.put([{}])
        with pytest.raises(EOFError):
            await Leases(Reached(Gone()), "a", backlog).acquire()  # type: ignore[arg-type]


class TestAPost:
    async def test_gives_up_where_workers_keep_dying(self) -> None:
        hired: list[str] = []
        post = Post(
            hire=lambda: (hired.append("a") or "a", Dead()),
            dismiss=lambda name, worker: None,
            feed=Feed(aiter_of([])),
            window=lambda: 2,
            hand_in=asyncio.Queue[Any]().put,
            note=lambda retries, concurrency: None,
            death=EOFError,
        )
        with pytest.raises(DynasparkError, match="Workers of the cluster die: no memory"):
            await post.run()
        assert len(hired) == DEATHS


class Dead:
    """A handle of an actor that is no more."""

    @property
    def open(self) -> Any:
        return self

    async def remote(self) -> None:
        raise EOFError("The actor died.\nno memory")


async def aiter_of(rows: list[Any]) -> Any:
    for row in rows:
        yield row


class TestASetUpThatIsWrong:
    def test_says_that_ray_is_missing(self, tmp_path: Path) -> None:
        code = "import sys; sys.modules['ray'] = None; from aiodynaspark.cli import main; main()"
        out = str(tmp_path / "out")
        arguments = [sys.executable, "-c", code, "batch", "-", out, "--engine=ray", "-m", "echo"]
        done = subprocess.run(arguments, capture_output=True, text=True, input="a", check=False)
        assert done.returncode == 2, done.stderr
        assert "pip install 'aiodynaspark[ray]'" in done.stderr

    def test_says_that_an_address_is_for_ray(self, tmp_path: Path) -> None:
        arguments = [*BATCH, "-", str(tmp_path / "out"), "--address", "auto", "-m", "echo"]
        done = subprocess.run(arguments, capture_output=True, text=True, input="a", check=False)
        assert done.returncode == 2
        assert "--engine ray" in done.stderr

    @pytest.mark.ray
    async def test_says_that_nobody_is_at_the_address(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with upstream(answer()) as server:
            address = server.url.removeprefix("http://")
        with pytest.raises(ConnectError, match=f"no Ray cluster at {address}"):
            await check(address)
        monkeypatch.setenv("RAY_ADDRESS", address)
        port = address.rpartition(":")[2]
        for named in ("auto", None):
            with pytest.raises(ConnectError, match=rf"no Ray cluster at [\d.]+:{port}"):
                await check(named)
        with pytest.raises(UsageError, match="no address of a Ray cluster"):
            await check("ray://127.0.0.1:10001")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster on this machine, to which this process is connected."""
    from aiodynaspark.batch_ray import cluster

    ray = cluster.load()
    cluster._start(ray, None)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def write_jobs(path: Path, count: int) -> Path:
    rows = ({"prompt": f"question {n}", "custom_id": f"r{n}"} for n in range(count))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + "{nonsense\n")
    return path


def read(path: Path) -> dict[str, Any]:
    """The rows by their ids, without the time; each has to be there once and whole."""
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    found = {row["custom_id"]: row for row in rows}
    assert len(found) == len(rows)
    for row in rows:
        body = (row["response"] or {}).get("body") or {}
        body.pop("created", None)
    return found


class Answers:
    """Answers each prompt with itself, and notes when; keeps to itself while it is closed."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.times: list[float] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.times.append(time.monotonic())
        prompt = str((await request.post())["user_input"])
        if len(self.times) > 100:
            await self.open.wait()
        status = 400 if prompt.endswith("7") else 200
        return web.json_response({"response": f"answer to {prompt}"}, status=status)


async def here(jobs: Path, model: Model, out: Path) -> dict[str, Any]:
    await batch.run(jobs, model, out=out)
    return read(out) | read(out.with_name(f"{out.stem}.errors.jsonl"))


def both(out: Path) -> dict[str, Any]:
    return read(out) | read(out.with_name(f"{out.stem}.errors.jsonl"))


def worker_processes() -> list[int]:
    """The processes of workers that this process's cluster has."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, parent = (path / "cmdline").read_bytes(), _parent(path)
            if (
                command.startswith(b"ray::Worker")
                and _parent(Path(f"/proc/{parent}")) == os.getpid()
            ):
                found.append(int(path.name))
        except (OSError, IndexError):
            continue
    return found


def _parent(path: Path) -> int:
    return int((path / "stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.ray
@pytest.mark.usefixtures("address")
class TestOnACluster:
    async def test_rows_equal_those_of_the_local_engine(self, tmp_path: Path) -> None:
        jobs = write_jobs(tmp_path / "jobs.jsonl", 300)
        async with upstream(Answers()) as server:
            model = Model(Dynaspark, "", {"url": server.url})
            out = tmp_path / "ray.jsonl"
            tally = await batch_ray.run(jobs, model, out=out, workers=2)
            assert (tally.rows, tally.answered, tally.failed) == (301, 270, 31)
            assert both(out) == await here(jobs, model, tmp_path / "here.jsonl")
            asked = len(server.seen)
            tally = await batch.run(jobs, model, out=out)  # either engine goes on with it
            assert (tally.earlier, len(server.seen)) == (301, asked)

    async def test_a_dead_worker_s_rows_are_done_again(self, tmp_path: Path) -> None:
        jobs, answers = write_jobs(tmp_path / "jobs.jsonl", 300), Answers()
        async with upstream(answers) as server:
            model = Model(Dynaspark, "", {"url": server.url})
            answers.open.clear()
            out = tmp_path / "ray.jsonl"
            running = asyncio.create_task(batch_ray.run(jobs, model, out=out, workers=2))
            await until(lambda: len(answers.times) > 105)
            os.kill(worker_processes()[0], signal.SIGKILL)
            answers.open.set()
            tally = await running
            assert (tally.answered, tally.failed) == (270, 31)
            assert both(out) == await here(jobs, model, tmp_path / "here.jsonl")

    async def test_a_dead_driver_is_resumed(self, tmp_path: Path, address: str) -> None:
        jobs, answers = write_jobs(tmp_path / "jobs.jsonl", 300), Answers()
        out = tmp_path / "ray.jsonl"
        async with upstream(answers) as server:
            arguments = [jobs, out, "--url", server.url, "--engine", "ray", "--address", address]
            command = [*BATCH, *map(str, arguments), "--workers", "2"]
            answers.open.clear()
            first = await asyncio.create_subprocess_exec(*command)
            await until(lambda: len(answers.times) > 105 and out.stat().st_size)
            first.kill()
            await first.wait()
            answers.open.set()
            before = len(read(out))
            second = await asyncio.create_subprocess_exec(*command)
            assert await second.wait() == 3
            model = Model(Dynaspark, "", {"url": server.url})
            assert 0 < before < 270
            assert both(out) == await here(jobs, model, tmp_path / "here.jsonl")

    async def test_the_limiter_is_one_for_four_workers(self, tmp_path: Path) -> None:
        jobs, answers = write_jobs(tmp_path / "jobs.jsonl", 1_001), Answers()
        async with upstream(answers) as server:
            model = Model(Dynaspark, "", {"url": server.url})
            await batch_ray.run(jobs, model, out=tmp_path / "out.jsonl", workers=4, rpm=6_000)
        assert len(answers.times) == 1_001
        assert answers.times[-1] - answers.times[0] == pytest.approx(10, rel=0.05)

    async def test_a_refused_key_ends_the_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs = write_jobs(tmp_path / "jobs.jsonl", 300)
        async with upstream(answer("{}", 401)) as server:
            model = Model(Dynaspark, "", {"url": server.url})
            with pytest.raises(AuthenticationError):
                await batch_ray.run(jobs, model, out=tmp_path / "out.jsonl", workers=2)
            monkeypatch.setenv("DYNASPARK_API_KEY", KEY)  # set here, after the node was started
            model = Model(Dynaspark, "", {"url": server.url, "api_key": KEY})
            with pytest.raises(UsageError, match="DYNASPARK_API_KEY is not set on a node"):
                await batch_ray.run(jobs, model, out=tmp_path / "out.jsonl", force=True)

    async def test_stopping_lets_rows_under_way_end(self, tmp_path: Path) -> None:
        jobs, answers = write_jobs(tmp_path / "jobs.jsonl", 300), Answers()
        stop = asyncio.Event()
        async with upstream(answers) as server:
            answers.open.clear()
            model = Model(Dynaspark, "", {"url": server.url})
            settings: dict[str, Any] = {"out": tmp_path / "out.jsonl", "stop": stop, "workers": 2}
            running = asyncio.create_task(batch_ray.run(jobs, model, **settings))
            await until(lambda: len(answers.times) > 105)
            stop.set()
            answers.open.set()
            tally = await running
        assert tally.stopped
        assert tally.finished == len(answers.times) < 300

    @pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")  # Ray's own settings trip it
    async def test_a_dataset_gets_answers_and_errors(self) -> None:
        import ray.data

        prompts = [{"id": n, "prompt": f"question {n}"} for n in range(20)]
        async with upstream(Answers()) as server:
            model = Model(Dynaspark, "", {"url": server.url})
            asked = batch_ray.map_batches(ray.data.from_items(prompts), model, batch_size=8)
            rows = await asyncio.to_thread(asked.take_all)
        found = {row["id"]: (row["answer"], row["error"]) for row in rows}
        assert found[3] == ("answer to question 3", None)
        assert found[7][0] is None
        assert found[7][1].startswith("Line ")
        assert len(found) == 20


@contextmanager
def started(**environment: str) -> Iterator[str]:
    """The address of a cluster of its own, whose processes have variables of their own."""
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        port = found.getsockname()[1]
    where = [f"--node-ip-address={LOOPBACK}", f"--port={port}", "--include-dashboard=false"]
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *where]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **environment}
    head = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert head.stdout is not None
        assert any("Ray runtime started" in line for line in head.stdout)
        yield f"{LOOPBACK}:{port}"
    finally:
        head.terminate()
        head.communicate()


@pytest.mark.ray
class TestAClusterThatIsNotForUs:
    """Nothing is asked there, and one sentence says why."""

    @pytest.fixture(autouse=True)
    def _no_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")

    def asked(self, tmp_path: Path, address: str) -> tuple[int, str]:
        jobs, out = write_jobs(tmp_path / "jobs.jsonl", 5), tmp_path / "out.jsonl"
        command = [*BATCH, str(jobs), str(out), "-m", "echo", "--engine", "ray"]
        done = subprocess.run(
            [*command, "--address", address], capture_output=True, text=True, check=False
        )
        assert done.stdout == ""
        assert out.read_bytes() == b""
        return done.returncode, done.stderr.splitlines()[-1]

    def test_has_another_version_of_ours(self, tmp_path: Path) -> None:
        package = Path(aiodynaspark.__file__).parent
        shutil.copytree(package, tmp_path / "aiodynaspark")
        (tmp_path / "aiodynaspark" / "_version.py").write_text('__version__ = "0.0.1"\n')
        with started(PYTHONPATH=str(tmp_path)) as address:
            status, said = self.asked(tmp_path, address)
        assert status == 2
        assert "A node of the cluster has aiodynaspark 0.0.1, and here it is" in said

    def test_has_another_version_of_ray(self, tmp_path: Path) -> None:
        code = 'import ray._version\nray._version.version = ray.__version__ = "2.1.0"\n'
        (tmp_path / "sitecustomize.py").write_text(code)
        with started(PYTHONPATH=str(tmp_path)) as address:
            status, said = self.asked(tmp_path, address)
        assert status == 2
        assert "The Ray cluster and this program do not match" in said
        assert "2.1.0" in said

    def test_asks_for_a_token(self, tmp_path: Path) -> None:
        with started(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="a" * 64) as address:
            status, said = self.asked(tmp_path, address)
        assert status == 1
        assert "set RAY_AUTH_MODE=token" in said


@pytest.mark.ray
@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("dying", ["gcs_server", "raylet"])
async def test_a_dead_cluster_ends_the_run_and_another_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dying: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    jobs, answers = write_jobs(tmp_path / "jobs.jsonl", 300), Answers()
    out = tmp_path / "ray.jsonl"
    async with upstream(answers) as server:
        model = Model(Dynaspark, "", {"url": server.url})
        answers.open.clear()
        with started() as head:
            arguments = [jobs, out, "--url", server.url, "--engine", "ray", "--address", head]
            command = [*BATCH, *map(str, arguments), "--workers", "2"]
            run = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
            await until(lambda: len(answers.times) > 105 and out.stat().st_size)
            os.kill(process_of(dying, head), signal.SIGKILL)
            _, said = await run.communicate()
        assert run.returncode == 1
        assert f"The Ray cluster at {head} is gone" in said.decode().splitlines()[-1]
        answers.open.set()
        before = len(both(out))
        assert 0 < before < 301
        tally = await batch_ray.run(jobs, model, out=out, workers=2)
        assert (tally.earlier, tally.finished) == (before, 301)
        assert both(out) == await here(jobs, model, tmp_path / "here.jsonl")


def process_of(program: str, head: str) -> int:
    """The process of a cluster's head that runs a program of Ray's."""
    port = head.rpartition(":")[2]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            called, *arguments = path.read_text().split("\0")
            if called.endswith(f"/{program}") and any(port in one for one in arguments):
                return int(path.parent.name)
    raise LookupError(program)


@pytest.mark.ray
def test_the_command_starts_a_ray_of_its_own(tmp_path: Path) -> None:
    jobs, out = write_jobs(tmp_path / "jobs.jsonl", 50), tmp_path / "out.jsonl"
    command = [*BATCH, str(jobs), str(out), "-m", "echo", "--engine", "ray"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "51 of 51 rows finished, 1 failed" in done.stderr
    assert len(read(out)) == 50
