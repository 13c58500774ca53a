"""Base classes with the names and the behaviour of that time."""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

from ..errors import ModelNotSupportedError
from .types import BaseProvider

LISTED = ("model", "messages", "stream", "timeout", "proxy", "media", "api_key")


class _Params:
    """A text that each class computes."""

    def __get__(self, instance: object, owner: type[AbstractProvider]) -> str:
        return f"{owner.__name__} takes " + ", ".join(map(str, owner.get_parameters().values()))


class AbstractProvider(BaseProvider):
    @classmethod
    @abstractmethod
    def create_completion(cls, model: str, messages: Any, stream: bool, **kwargs: Any) -> Any:
        raise NotImplementedError

    @classmethod
    async def create_async(
        cls,
        model: str,
        messages: Any,
        *,
        timeout: float | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        executor: Executor | None = None,
        **kwargs: Any,
    ) -> str:
        raise AssertionError("the provider answers without a thread for each call")

    @classmethod
    def get_create_function(cls) -> Callable[..., Any]:
        return cls.create_completion

    @classmethod
    def get_async_create_function(cls) -> Callable[..., Any]:
        return cls.create_async

    @classmethod
    def get_parameters(cls) -> dict[str, inspect.Parameter]:
        create = cls.create_async_generator  # type: ignore[attr-defined]
        return {
            name: parameter
            for name, parameter in inspect.signature(create).parameters.items()
            if name in LISTED
        }

    params = _Params()


class AsyncGeneratorProvider(AbstractProvider):
    supports_stream = True

    @classmethod
    def create_completion(
        cls, model: str, messages: Any, stream: bool = True, **kwargs: Any
    ) -> Iterator[Any]:
        raise AssertionError("the provider answers without a loop for each call")

    @staticmethod
    @abstractmethod
    async def create_async_generator(model: str, messages: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def get_async_create_function(cls) -> Callable[..., Any]:
        return cls.create_async_generator


class ProviderModelMixin:
    default_model: str | None = None
    models: list[str] = []
    model_aliases: dict[str, str] = {}
    image_models: list[str] = []
    vision_models: list[str] = []

    @classmethod
    def get_models(cls, **kwargs: Any) -> list[str]:
        return cls.models or [str(cls.default_model)]

    @classmethod
    def get_model(cls, model: str, **kwargs: Any) -> str:
        known = {name: name for name in cls.get_models(**kwargs)}
        known |= {"": str(cls.default_model), **cls.model_aliases}
        if model not in known:
            raise ModelNotSupportedError(f"{cls.__name__} has no model {model}")
        return known[model]
