"""Which URLs and addresses of the open internet may be fetched: decided purely.

A URL in a request is a stranger's wish. Only addresses that anybody on the internet could ask are
ever asked, and only the ports of the web.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from yarl import URL

_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_TEXT = re.compile(r"[!-\[\]-~]{1,4096}")
"""ASCII without spaces, controls and backslashes, about which parsers disagree."""

_USER = re.compile(r"[^/?#]*//[^/?#]*@")

_UNICAST = ip_network("2000::/3")
_TRANSLATED = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"))
)
_NOT_THE_WEB = tuple(
    map(ip_network, ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24"))
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be fetched.

    Attributes:
        ports: the ports that may be dialled.
    """

    ports: frozenset[int] = frozenset({80, 443})

    def allows(self, address: str) -> bool:
        """Whether an address may be dialled."""
        return is_public(address)


def is_public(address: str) -> bool:
    """Whether an address is one of a single host on the open internet.

    Addresses that wrap another one (mapped, translated, tunnelled) never are: where their
    packets end is for the network to decide.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    return _is_public_v6(parsed)


def parse_public_url(text: str, reach: Reach) -> URL | None:
    """Read a URL whose host is a name, or an address that may be dialled; None for any other.

    What a name stands for is checked when it is resolved.
    """
    if not _TEXT.fullmatch(text) or _USER.match(text):
        return None
    try:
        url = URL(text)
        host, port = url.raw_host or "", url.port
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or port not in reach.ports:
        return None
    return url.with_fragment(None) if _NAME.fullmatch(host) or reach.allows(host) else None


def _is_public_v4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_THE_WEB)
    )


def _is_public_v6(address: IPv6Address) -> bool:
    return (
        address.scope_id is None
        and address in _UNICAST
        and address.is_global
        and not any(address in network for network in _TRANSLATED)
    )
