"""The provider ``Dynaspark`` as g4f has its providers: for g4f 8.8, or a copy of it in your tree.

g4f itself is imported when ``Dynaspark`` is first asked for. A program that carries a copy of
g4f as of March 2025 gets the same class, made for that copy, with ``dynaspark_for``.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from http import HTTPStatus
from importlib import import_module
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ResponseError, StreamError, TransportTimeout
from ..providers import dynaspark as ours

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from types import ModuleType

    from ..types import Chunk, MediaListType, Messages

    Dynaspark: type[Any]

__all__ = ["Dynaspark", "dynaspark_for", "register"]

NAME = "Dynaspark"

_CLOUDFLARE = re.compile(
    rb"<title>\s*(?:just a moment|attention required! \| cloudflare)"
    rb"|/cdn-cgi/challenge-platform/|(?:id|class)=[\"']cf-",
    re.IGNORECASE,
)


def __getattr__(name: str) -> Any:
    if name != NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[NAME] = made = dynaspark_for("g4f")
    made.__module__ = __name__
    return made


def register() -> type[Any]:
    """Make ``provider="Dynaspark"`` and the model ``"Dynaspark:MODEL"`` known to g4f.

    Returns:
        The class, which g4f's loader gives from now on and which its listings name.

    Raises:
        ImportError: g4f is not installed, or it is older than 8.
    """
    made: type[Any] = globals().get(NAME) or __getattr__(NAME)
    package = import_module("g4f.Provider")
    loader = getattr(package, "ProviderLoader", None)
    if loader is None:
        raise ImportError("register() needs g4f 8 or newer; upgrade g4f, or use dynaspark_for().")
    loader.loaded.update({NAME: made, NAME.lower(): made})
    for listing in (loader.names, package.__all__):
        if NAME not in listing:
            listing.append(NAME)
    return made


def dynaspark_for(package: str) -> type[Any]:
    """Make the provider class for one copy of g4f: a subclass of that copy's own base classes.

    Args:
        package: the copy, by its own name or that of its ``Provider`` package; a file in there
            has it as ``__package__``.
    """
    host = package.removesuffix(".Provider")
    bases = import_module(f"{host}.providers.base_provider")
    mixin = bases.ProviderModelMixin
    members = {
        "__doc__": _Provider.__doc__,
        "__module__": f"{host}.Provider.{NAME}",
        "host_errors": import_module(f"{host}.errors"),
        # What becomes of an unknown model's name is for the host to decide.
        "get_model": vars(mixin)["get_model"],
        "get_models": vars(mixin)["get_models"],
    }
    return new_class(
        NAME,
        (_Provider, bases.AsyncGeneratorProvider, mixin),
        exec_body=lambda body: body.update(members),
    )


class _Provider(ours.Dynaspark):
    """Asks a Dynaspark server; see ``aiodynaspark.Dynaspark``, which does the work."""

    label: ClassVar[str] = NAME
    host_errors: ClassVar[ModuleType]

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[str, None]:
        """Send the chat and yield the answer's text as it comes.

        Args:
            model: sent exactly as it is; an empty one becomes ``default_model``.
            messages: the chat; the wire carries it as one prompt.
            proxy: URL of a proxy for this call.
            media: pictures; the wire carries the first.
            **kwargs: what ``aiodynaspark.Dynaspark`` takes; besides ``base_url``, another name
                of ``url``, and ``stream_timeout``, seconds to wait for each piece of text.

        Raises:
            Exception: the host's ``RateLimitError`` (402, 429, 504), ``MissingAuthError`` (401),
                ``CloudflareError`` or ``ResponseStatusError``, and its ``ResponseError`` for an
                answer that is malformed or cut; each has our error's attributes, and our error
                as its cause. A timeout is a TimeoutError, a medium that is no picture a
                ValueError.
        """
        patience = kwargs.pop("stream_timeout", None)
        answer = super().create_async_generator(
            model, messages, proxy, _unnamed(media), **cls._options(kwargs)
        )
        try:
            async with aclosing(answer) as chunks:
                while (chunk := await _next(chunks, patience)) is not None:
                    if isinstance(chunk, str):
                        yield chunk
        except (ResponseError, StreamError) as error:
            raise cls._as_host_error(error) from error

    @classmethod
    def create_completion(
        cls, model: str, messages: Messages, stream: bool = True, **kwargs: Any
    ) -> Iterator[Chunk]:
        """Iterate the same text without ``await``; ``stream=False`` gives it as one piece."""
        return super().create_completion(model, messages, stream=stream, **kwargs)

    @classmethod
    def _options(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Our names for what g4f's clients pass along."""
        options = {name: value for name, value in kwargs.items() if name != "provider"}
        if base_url := options.pop("base_url", None):
            options.setdefault("url", base_url)
        if not options.get("timeout"):  # to g4f, 0 means no limit
            options.pop("timeout", None)
        if isinstance(keys := options.get("api_key"), dict):
            options["api_key"] = keys.get(cls.__name__)
        return options

    @classmethod
    def _as_host_error(cls, error: ResponseError | StreamError) -> Exception:
        errors = cls.host_errors
        kind = getattr(errors, _kind(error), errors.ResponseStatusError)
        made: Exception = kind(_sentence(error))
        vars(made).update(vars(error))
        return made


def _kind(error: ResponseError | StreamError) -> str:
    """The name of the host's class for an error."""
    if isinstance(error, StreamError):
        return "ResponseError"
    if error.status in (402, 429, 504):
        return "RateLimitError"
    if error.status == 401:
        return "MissingAuthError"
    if "cf-mitigated" in error.headers or _CLOUDFLARE.search(error.body):
        return "CloudflareError"
    return "ResponseStatusError"


def _sentence(error: ResponseError | StreamError) -> str:
    said = str(error)
    if isinstance(error, StreamError) or str(error.status) in said:
        return said
    return f"{error.status} {HTTPStatus(error.status).phrase}: {said}"


async def _next(chunks: AsyncGenerator[Chunk, None], patience: float | None) -> Chunk | None:
    """The next chunk, or None after the last one."""
    try:
        async with asyncio.timeout(patience):
            return await anext(chunks, None)
    except TransportTimeout:
        raise
    except TimeoutError as error:
        raise TransportTimeout(
            f"No text came for {patience:g} s; allow more with stream_timeout."
        ) from error


def _unnamed(media: Any) -> Any:
    """The media without names that are no texts: a file object's ``name`` may be a number."""
    if not isinstance(media, list | tuple):
        return media
    return [
        (item[0], None)
        if isinstance(item, list | tuple) and len(item) == 2 and not isinstance(item[1], str)
        else item
        for item in media
    ]
