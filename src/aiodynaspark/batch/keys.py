"""What tells one row from another, and a compact set of the rows that are known."""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b, file_digest
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIZE = 16


def digest(*parts: bytes) -> bytes:
    """A digest of 16 bytes over parts whose lengths count too."""
    found = blake2b(digest_size=SIZE)
    for part in parts:
        found.update(len(part).to_bytes(8))
        found.update(part)
    return found.digest()


def derived_key(content: Any, pictures: Iterable[str | Path] = ()) -> str:
    """The key of a row that has none of its own: by what is asked, the pictures' bytes included.

    Args:
        content: what is asked, as JSON could hold it.
        pictures: ``data:`` URIs, and files.

    Raises:
        OSError: a picture cannot be read.
    """
    asked = msgspec.json.encode(content, order="sorted")
    return f"row-{digest(asked, *map(_picture_digest, pictures)).hex()}"


def _picture_digest(picture: str | Path) -> bytes:
    if isinstance(picture, str):
        return digest(picture.encode())
    with picture.open("rb") as file:
        return file_digest(file, "blake2b").digest()


class Keys:
    """A set of keys in about 25 bytes for each: sixteen of a digest, in buckets by the first two.

    A million keys as Python strings would take four times as much.
    """

    def __init__(self) -> None:
        self._buckets: defaultdict[bytes, bytearray] = defaultdict(bytearray)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        return _holds(*self._place(key))

    def add(self, key: str) -> bool:
        """Add a key; False where it was there already."""
        bucket, found = self._place(key)
        if _holds(bucket, found):
            return False
        bucket += found
        self._count += 1
        return True

    def _place(self, key: str) -> tuple[bytearray, bytes]:
        found = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()
        return self._buckets[found[:2]], found


def _holds(bucket: bytearray, found: bytes) -> bool:
    at = bucket.find(found)
    while at >= 0 and at % SIZE:
        at = bucket.find(found, at + 1)
    return at >= 0
