"""Whom a request is meant for, and which web page sent it: decided purely.

A browser sends requests to a server on the same machine for any page that asks it to. The names
in ``Host``, ``Origin`` and ``Sec-Fetch-Site`` are what a page cannot forge.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..errors import UsageError
from .refusals import Forbidden, WrongHost

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

PAGES = frozenset({"/"})
"""What a link on another site may lead to."""

_AUTHORITY = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(rf"(https?)://({_AUTHORITY.pattern})")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_host(given: Sequence[str], allowed: Collection[str]) -> None:
    """Let a request pass whose ``Host`` is one of ours.

    Args:
        given: the values of the request's ``Host`` headers.
        allowed: names without ports, in lower case.

    Raises:
        WrongHost: there is none, several, or a name that is not ours: DNS may have been bent.
    """
    if len(given) == 1 and host_name(given[0]) in allowed:
        return
    raise WrongHost(
        "This server does not answer for that host; ask for localhost, "
        "or start it with --allow-host NAME."
    )


def check_page(
    headers: Mapping[str, str], *, method: str, path: str, allowed: Collection[str]
) -> None:
    """Let a request pass that no web page sent, or our own, or one that is allowed to.

    Args:
        headers: the request's, names in any case that the mapping itself understands.
        method: of the request.
        path: of the request, without query.
        allowed: origins as ``normal_origin`` returns them.

    Raises:
        Forbidden: the page of another origin did.
    """
    origin = headers.get("origin")
    if origin is not None:
        if normal_origin(origin) in allowed:
            return
        if not _is_own(origin, headers.get("host", "")):
            raise _forbidden()
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") and not _opens_page(headers, method, path):
        raise _forbidden()


@lru_cache(maxsize=64)
def host_name(authority: str) -> str | None:
    """The name in ``NAME`` or ``NAME:PORT``, in lower case; None where it is malformed."""
    found = _AUTHORITY.fullmatch(authority.lower())
    return found[1] if found else None


def parse_host(text: str) -> str:
    """Check a name that a user allows.

    Raises:
        UsageError: it is not a host's name or address alone.
    """
    found = _AUTHORITY.fullmatch(bracketed(text).lower())
    if found is None or found[2]:
        raise UsageError(f"{text!r} is no host; write its name alone, such as ai.example.com.")
    return found[1]


def parse_origin(text: str) -> str:
    """Check an origin that a user allows, and return it as it is compared.

    Raises:
        UsageError: it is not scheme and host; ``*`` never is.
    """
    origin = normal_origin(text.rstrip("/"))
    if origin is None:
        raise UsageError(
            f"{text!r} is no origin; write scheme and host, such as https://app.example.com."
        )
    return origin


def is_loopback(host: str) -> bool:
    """Whether listening on this address lets nobody in but this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def bracketed(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def normal_origin(origin: str) -> str | None:
    """An origin as it is compared: lower case, with its port; None where it is malformed."""
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return None
    scheme, _, name, port = found.groups()
    return f"{scheme}://{name}:{port or _DEFAULT_PORTS[scheme]}"


def _is_own(origin: str, host: str) -> bool:
    """The scheme is not compared: behind a proxy that ends TLS we do not know our own."""
    scheme = origin.partition(":")[0].lower()
    normal = normal_origin(origin)
    return normal is not None and normal == normal_origin(f"{scheme}://{host}")


def _opens_page(headers: Mapping[str, str], method: str, path: str) -> bool:
    return (
        method == "GET"
        and path in PAGES
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _forbidden() -> Forbidden:
    return Forbidden(
        "A web page of another origin may not ask this server; "
        "start it with --allow-origin ORIGIN if it should."
    )
