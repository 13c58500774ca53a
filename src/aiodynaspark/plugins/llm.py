"""The model ``dynaspark`` for the program and library llm, which finds it by its entry point."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import llm
from pydantic import Field

from ..providers.dynaspark import Dynaspark
from ..types import ServedBy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

__all__ = ["AsyncDynasparkModel", "DynasparkModel", "register_models"]


class Options(llm.Options):
    """What ``-o NAME VALUE`` sets."""

    model: str = Field(default="", description="Name of the server's model to ask.")
    url: str | None = Field(default=None, description="Base of the server, http://HOST:PORT.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds it all may take.")
    retries: int | None = Field(default=None, ge=0, description="Attempts after the first one.")
    images: Literal["first", "sheet", "error"] = Field(
        default="first", description="What becomes of several pictures; one fits the wire."
    )
    packing: Literal["plain", "safe"] = Field(
        default="plain", description="How a chat becomes one prompt; safe quotes each turn."
    )


class _Dynaspark:
    """What the synchronous and the asynchronous model share."""

    model_id = "dynaspark"
    needs_key = "dynaspark"
    key_env_var = "DYNASPARK_API_KEY"
    can_stream = True
    attachment_types: ClassVar[set[str]] = {"image/png", "image/jpeg", "image/gif", "image/webp"}
    Options = Options

    def get_key(self, explicit_key: str | None = None) -> str | None:
        """The key where there is one; a server on one's own machine needs none."""
        try:
            key: str | None = super().get_key(explicit_key)  # type: ignore[misc]
        except llm.NeedsKeyException:
            return None
        return key


class DynasparkModel(_Dynaspark, llm.KeyModel):
    """Asks a Dynaspark server without ``await``."""

    def execute(
        self, prompt: Any, stream: bool, response: Any, conversation: Any, key: str | None = None
    ) -> Iterator[str]:
        """Yield the answer's text as it comes.

        Raises:
            DynasparkError: the server cannot be asked or did not answer well.
        """
        for chunk in Dynaspark.create_completion(**_ask(prompt, stream, key)):
            if isinstance(chunk, str):
                yield chunk
            elif isinstance(chunk, ServedBy):
                response.set_resolved_model(chunk.model)


class AsyncDynasparkModel(_Dynaspark, llm.AsyncKeyModel):
    """Asks a Dynaspark server."""

    async def execute(
        self, prompt: Any, stream: bool, response: Any, conversation: Any, key: str | None = None
    ) -> AsyncIterator[str]:
        """Yield the answer's text as it comes; see ``DynasparkModel``."""
        async with aclosing(
            Dynaspark.create_async_generator(**_ask(prompt, stream, key))
        ) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, str):
                    yield chunk
                elif isinstance(chunk, ServedBy):
                    response.set_resolved_model(chunk.model)


@llm.hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Tell llm about both models."""
    register(DynasparkModel(), AsyncDynasparkModel())


def _ask(prompt: Any, stream: bool, key: str | None) -> dict[str, Any]:
    """The arguments that a prompt's chat, pictures and options stand for."""
    options = prompt.options.model_dump(exclude_none=True)
    return {
        "messages": [{"role": said.role, "content": _text(said)} for said in prompt.messages],
        "media": _latest_pictures(prompt.messages),
        "api_key": key,
        "stream": stream,
        **options,
    }


def _text(message: Any) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, llm.parts.TextPart))


def _latest_pictures(messages: Sequence[Any]) -> list[tuple[Path | bytes, str | None]]:
    """The pictures of the latest message that has any."""
    for message in reversed(messages):
        pictures = [
            _source(part.attachment)
            for part in message.parts
            if isinstance(part, llm.parts.AttachmentPart) and part.attachment
        ]
        if pictures:
            return pictures
    return []


def _source(attachment: Any) -> tuple[Path | bytes, str | None]:
    """A picture and its file's name; llm fetches one that is given by its URL."""
    if attachment.path:
        return Path(attachment.path), Path(attachment.path).name
    return attachment.content_bytes(), None
