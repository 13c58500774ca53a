"""Processes of a run: pinned to a core, asked how much they used, ended with the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
MEASURED, OTHER = CORES[0], CORES[-1]
"""The core of what is measured, and that of whatever it talks to."""


class Child:
    """A process on one core, or on any; its input and output are lines.

    Args:
        quiet: drop what it writes to its standard error.
        unread: drop its output too: a pipe that nobody reads fills and stops who writes to it.
    """

    def __init__(
        self,
        command: Sequence[str],
        core: int | None,
        environment: Mapping[str, str] | None = None,
        *,
        quiet: bool = False,
        unread: bool = False,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if unread else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, CORES if core is None else {core}),
            start_new_session=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def line(self) -> str:
        """The next line that it prints.

        Raises:
            RuntimeError: it has ended.
        """
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line.strip()
        raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")

    def ask(self, job: Mapping[str, Any]) -> Any:
        """Send a line of JSON and return the next one."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self.line())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def cpu(self) -> float:
        """Seconds of CPU that it and its children have used."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.family())

    def memory(self) -> float:
        """Megabytes that it and its children hold (shared pages counted by share)."""
        return sum(_held(pid) for pid in self.family()) / 1000

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def family(self) -> list[int]:
        """Its process, and the processes under it."""
        found = [self.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()]
        return found


def holder(port: int, client: int, pids: Iterable[int]) -> int | None:
    """Which process holds the connection that a client's port has to a port."""
    for line in Path("/proc/net/tcp").read_text().splitlines():
        _, local, remote, *others = line.split()
        if local.endswith(f":{port:04X}") and remote.endswith(f":{client:04X}"):
            socket = f"socket:[{others[6]}]"
            return next((pid for pid in pids if socket in _files(pid)), None)
    return None


def _files(pid: int) -> list[str]:
    return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]


def _held(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


class Worker(Child):
    """Runs a contender's calls in a process of its own."""

    def __init__(
        self,
        contender: str,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        core: int | None = MEASURED,
        *,
        quiet: bool = False,
    ) -> None:
        command = [python, "-m", "bench.worker", f"bench.contenders.{contender}"]
        super().__init__(command, core, environment, quiet=quiet)


class Upstream(Child):
    """The server that contenders ask."""

    def __init__(self, certificate: Sequence[str] = (), core: int | None = OTHER) -> None:
        super().__init__([sys.executable, "-m", "bench.upstream", *certificate], core)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.line()}"


def make_certificate(folder: Path) -> list[str]:
    """Make a certificate for this machine; returns its file and its key's."""
    files = [str(folder / "certificate.pem"), str(folder / "key.pem")]
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    request += " -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", *request.split(), "-out", files[0], "-keyout", files[1]]
    subprocess.run(command, check=True, capture_output=True)
    return files
