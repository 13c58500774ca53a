"""Which proxy, if any, a request goes through: decided purely."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}


class Proxy(Struct, frozen=True):
    """A proxy; its credentials are kept apart and never shown.

    Attributes:
        scheme: ``http``, ``https``, ``socks4``, ``socks5`` or ``socks5h``.
        host: a name or an address, without brackets.
        port: the scheme's own where none was given.
        user: "" where there is none.
        password: "" where there is none.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"<Proxy: {self.url}>"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def url(self) -> str:
        """Its address without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The value of ``Proxy-Authorization`` (RFC 7617), None without credentials."""
        if not (self.user or self.password):
            return None
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()


def parse(proxy: str) -> Proxy:
    """Read a proxy's URL.

    Raises:
        UsageError: it has no scheme that we speak, or no host. The sentence shows no credentials.
    """
    try:
        parts = urlsplit(proxy)
        if parts.scheme in PORTS and parts.hostname and parts.port != 0:
            parts.hostname.encode("idna")  # as the system will, to look it up
            port = parts.port or PORTS[parts.scheme]
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            return Proxy(parts.scheme, parts.hostname, port, user, password)
    except (ValueError, TypeError, AttributeError):
        pass
    raise UsageError(
        "The proxy's address is not usable; write it with scheme and host, "
        "such as http://proxy.example:8080 or socks5://127.0.0.1:1080."
    )


def from_environment(
    scheme: str, host: str, port: int, environment: Mapping[str, str]
) -> Proxy | None:
    """Pick the proxy that the environment names for a host; none ever applies to this machine.

    Args:
        scheme: ``http`` or ``https``.
        host: a name or an address, without brackets.
        port: the port that will be dialled.
        environment: ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, lower case.
    """
    proxy = environment.get(f"{scheme}_proxy") or environment.get("all_proxy")
    if not proxy or _is_loopback(host) or _is_exempt(host, port, environment.get("no_proxy", "")):
        return None
    return parse(proxy if "://" in proxy else f"http://{proxy}")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(_matches(host.lower(), port, entry.strip().lower()) for entry in no_proxy.split(","))


def _matches(host: str, port: int, entry: str) -> bool:
    """One entry of NO_PROXY: ``*``, an address, a network, or a name and all below it."""
    if entry == "*":
        return True
    if not entry:
        return False
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdigit():
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))
