"""The copy: its one entry, and what that needs."""

from __future__ import annotations

from typing import Any

from .errors import ProviderNotWorkingError
from .providers.chunks import joined
from .providers.types import BaseProvider


class ChatCompletion:
    @staticmethod
    def create(
        model: str,
        messages: list[dict[str, Any]],
        provider: type[BaseProvider],
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        if not provider.working:
            raise ProviderNotWorkingError(provider.__name__)
        result = provider.get_create_function()(model, messages, stream=stream, **kwargs)
        return result if stream else "".join(map(str, result))

    @staticmethod
    def create_async(
        model: str,
        messages: list[dict[str, Any]],
        provider: type[BaseProvider],
        stream: bool = False,
        **kwargs: Any,
    ) -> Any:
        result = provider.get_async_create_function()(model, messages, stream=stream, **kwargs)
        return result if stream else joined(result)
