"""Which proxy, if any, a request goes through: decided purely."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES = ("http", "https", "socks4", "socks5", "socks5h")


def check(proxy: str) -> str:
    """Return a proxy's URL as it is.

    Raises:
        UsageError: it has no scheme that we speak, or no host. The sentence shows no credentials.
    """
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            "The proxy's address is not usable; write it with scheme and host, "
            "such as http://proxy.example:8080 or socks5://127.0.0.1:1080."
        )
    return proxy


def without_credentials(proxy: str) -> str:
    """A proxy's address as a message may show it."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def from_environment(
    scheme: str, host: str, port: int, environment: Mapping[str, str]
) -> str | None:
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
    return check(proxy if "://" in proxy else f"http://{proxy}")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


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
