from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any


class BaseProvider(ABC):
    url: str | None = None
    working = False
    needs_auth = False
    supports_stream = False
    supports_message_history = False
    supports_system_message = False
    params: str

    @abstractmethod
    def get_create_function() -> Callable[..., Any]:  # type: ignore[misc]
        raise NotImplementedError

    @abstractmethod
    def get_async_create_function() -> Callable[..., Any]:  # type: ignore[misc]
        raise NotImplementedError

    @classmethod
    def get_dict(cls) -> dict[str, Any]:
        return {"name": cls.__name__, "url": cls.url, "label": getattr(cls, "label", None)}
