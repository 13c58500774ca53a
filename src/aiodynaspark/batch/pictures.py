"""The pictures that rows name: inside the directories that are allowed, and checked strictly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedMedia, UsageError
from ..media import inspect, to_data_uri
from ..prompt import PICTURE_PARTS, pictures_in

if TYPE_CHECKING:
    from collections.abc import Iterable


class Pictures:
    """Finds pictures by what a row calls them.

    Args:
        directory: where relative paths begin; what lies in it is allowed.
        allowed: further directories.
    """

    def __init__(self, directory: Path, allowed: Iterable[Path] = ()) -> None:
        self._directory = directory.resolve()
        self._allowed = [self._directory, *(path.resolve() for path in allowed)]

    def find(self, address: str) -> str | Path:
        """Check one picture; return its ``data:`` URI as it is, or the path of its file.

        Raises:
            UsageError: it is remote, or lies outside the directories that are allowed.
            UnsupportedMedia: it is missing, or no picture that is taken.
        """
        if address[:5].lower() == "data:":
            inspect(address)
            return address
        path = self._inside(address)
        if not path.is_file():
            raise UnsupportedMedia(f"There is no picture {address!r}; check its path.")
        inspect(path)
        return path

    def _inside(self, address: str) -> Path:
        if "://" in address:
            raise UsageError("A remote picture is never fetched; save it and name its file.")
        try:
            path = (self._directory / address).resolve()
        except (OSError, ValueError, RuntimeError):
            raise UnsupportedMedia("The picture's path cannot be a path; check it.") from None
        if not any(path.is_relative_to(directory) for directory in self._allowed):
            raise UsageError(
                f"The picture {address!r} lies outside the input's directory; "
                "allow its directory with --allow-dir."
            )
        return path

    def settle(self, messages: list[Any]) -> None:
        """Check the pictures inside messages, and put files there as ``data:`` URIs, in place.

        Raises:
            UsageError: a message is malformed, or as ``find``.
            UnsupportedMedia: as ``find``.
        """
        if not pictures_in(messages):
            return
        for message in messages:
            content = message.get("content")
            parts = content if isinstance(content, list) else [content]
            for part in parts:
                if isinstance(part, dict) and part.get("type") in PICTURE_PARTS:
                    self._settle_part(part)

    def _settle_part(self, part: dict[str, Any]) -> None:
        place, name = (
            (part["image_url"], "url")
            if isinstance(part["image_url"], dict)
            else (part, "image_url")
        )
        found = self.find(place[name])
        place[name] = to_data_uri(found) if isinstance(found, Path) else found
