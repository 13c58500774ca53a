"""URLs as they may be shown. Pure."""

from __future__ import annotations


def without_credentials(url: object) -> str:
    """A URL, well formed or not, without user, password and query, any of which may hold a key."""
    scheme, separator, rest = str(url).partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
