"""The keys that a server takes: compared in constant time, and kept as hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SALT = secrets.token_bytes(16)


class ApiKeys:
    """Any number of keys; without one, everybody is let in.

    Args:
        keys: as their holders send them: printable ASCII without spaces.

    Raises:
        UsageError: a key is empty, or could not be sent in a header. The sentence does not show it.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._hashes = tuple(_hashed(_checked(key).encode("ascii")) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def admit(self, offered: Iterable[bytes]) -> bool:
        """Whether one of the keys offered fits, or none is needed."""
        if not self._hashes:
            return True
        given = [_hashed(key) for key in offered]
        # Every pair is compared, so that the time says nothing about which key was close.
        pairs = ((ours, theirs) for ours in self._hashes for theirs in given)
        return sum(hmac.compare_digest(*pair) for pair in pairs) > 0

    def __repr__(self) -> str:
        return f"<ApiKeys: {len(self._hashes)}>"


def _checked(key: str) -> str:
    if not key or not all("!" <= character <= "~" for character in key):
        raise UsageError("A server key has to be printable ASCII without spaces, and not empty.")
    return key


def _hashed(key: bytes) -> bytes:
    return hashlib.blake2b(key, key=_SALT, digest_size=32).digest()
