"""What one server allows: one frozen object that the application and the listener read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..errors import UsageError
from .api_keys import ApiKeys
from .origins import LOOPBACK, bracketed, is_loopback

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed, and how much of it.

    Attributes:
        hosts: the names that ``Host`` may have, without ports, in lower case.
        origins: the origins besides its own whose pages may ask, as ``parse_origin`` returns them.
        keys: who may ask; everybody where there is none.
        max_requests: how many requests may run at once.
        max_body: bytes of one request's body.
        fetch_images: whether pictures are fetched from URLs in requests.
        head: seconds for a request's head, from the connection's start or the last answer's end.
        body: seconds for a request's body.
        drain: seconds that running answers get when the server stops.
    """

    hosts: frozenset[str] = LOOPBACK
    origins: frozenset[str] = frozenset()
    keys: ApiKeys = field(default_factory=ApiKeys)
    max_requests: int = 256
    max_body: int = 32 * 1024 * 1024
    fetch_images: bool = False
    head: float = 10.0
    body: float = 60.0
    drain: float = 10.0

    def listening_on(self, host: str) -> Self:
        """The policy of a server that listens there: an address of its own is its name, too.

        Raises:
            UsageError: others than this machine could ask, and no key is set.
        """
        if not self.keys and not is_loopback(host):
            raise UsageError(
                f"{host or 'Every address'} can be reached from other machines; "
                "set a key with --api-key or DYNASPARK_SERVER_KEY."
            )
        return replace(self, hosts=self.hosts | {bracketed(host)}) if _is_one(host) else self


def _is_one(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False
