"""Any endpoint that speaks OpenAI's chat completions: Ollama, vLLM, llama-server and the like."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from .. import settings
from .._body import json_body
from .._completions import CompletionDecoder
from .._options import NetworkOptions, is_text
from .._url import without_credentials
from ..errors import UsageError
from ..media import media_items, to_data_uri
from ..prompt import turns
from ..provider import AsyncGeneratorProvider, ProviderModelMixin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .._options import Check
    from ..types import Chunk, MediaListType, Message, Messages

__all__ = ["OpenAI"]

ROUTE = "/chat/completions"

_FIELDS = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens metadata min_p modalities n parallel_tool_calls prediction presence_penalty "
    "prompt_cache_key reasoning_effort repetition_penalty response_format safety_identifier seed "
    "service_tier stop store temperature tool_choice tools top_k top_logprobs top_p user verbosity"
)
RELAYED = frozenset(_FIELDS.split())
"""Options that are fields of the request as they are."""


class OpenAI(AsyncGeneratorProvider, ProviderModelMixin):
    """Asks the endpoint at ``base_url``, or at ``OPENAI_BASE_URL``; no host is asked by default."""

    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = True
    supports_media: ClassVar[bool] = True
    supports_tools: ClassVar[bool] = True
    supported_fields: ClassVar[tuple[str, ...]] = (
        "response_format",
        "n",
        "logprobs",
        "top_logprobs",
        "stop",
    )

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Send the chat as it is and yield the answer while it arrives.

        Text of the first choice is yielded as ``str``, tool calls, refusals, log probabilities
        and further choices as ``Delta``.

        Args:
            model: the model's name as the endpoint knows it.
            messages: the chat, as OpenAI's API has it.
            proxy: URL of an http or socks5 proxy for this call.
            media: pictures (JPEG, PNG, GIF, WebP), sent with the last turn.
            **kwargs: the fields in ``RELAYED``, and what ``Options`` lists; others are ignored,
                and reported as losses.

        Raises:
            UsageError: messages, options or the URL are malformed or missing; nothing was sent.
            UnsupportedMedia: a picture is none; nothing was sent.
            ConnectError: no server answers there.
            TransportTimeout: the deadline (``timeout``) or the idle limit passed.
            ResponseError: the server refused (AuthenticationError, RateLimitError, UpstreamError).
            StreamError: the answer is malformed, cut or an error; it holds the text so far.
        """
        options = Options.parse(kwargs, RELAYED)
        turns(messages)
        if not model:
            raise UsageError("The openai provider needs a model's name, such as openai:NAME.")
        if pictures := media_items(media):
            messages = await asyncio.to_thread(_with_pictures, messages, pictures)
        options.report([])
        asking = await options.ask(
            options.base_url + ROUTE,
            CompletionDecoder,
            body=json_body(options.body(model, messages)),
            headers=options.all_headers(options.base_url),
            proxy=proxy,
            if_refused=(
                f"Nothing answers at {without_credentials(options.base_url)}; "
                "check that it is running."
            ),
        )
        async with asking as exchange:
            async for batch in exchange:
                for chunk in batch:
                    yield chunk


def _is_dict(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise UsageError(f"{name} has to be a dict: further fields of the request.")


class Options(NetworkOptions):
    """What ``create_async_generator`` understands besides the fields that it relays.

    Attributes:
        base_url: the part before ``/chat/completions``; ``OPENAI_BASE_URL`` where it is not given,
            and then ``OPENAI_API_KEY`` goes with it where no key is.
        extra: further fields of the request; they win over all others, None leaves a field out.
    """

    base_url: str = ""
    extra: Mapping[str, Any] = MappingProxyType({})

    checks: ClassVar[Mapping[str, Check]] = {
        **NetworkOptions.checks,
        "base_url": is_text,
        "extra": _is_dict,
    }

    def settle(self) -> None:
        """Find the endpoint, and the key that belongs to it."""
        if not self.base_url:
            # A key from the environment never goes to another host than the environment's.
            self.base_url = settings.openai_base_url() or ""
            self.api_key = self.api_key or settings.openai_api_key()
        self.base_url = self.base_url.rstrip("/")
        if not self.base_url:
            raise UsageError(
                "There is no endpoint to ask; set OPENAI_BASE_URL or base_url, "
                "such as http://127.0.0.1:11434/v1."
            )

    def body(self, model: str, messages: Messages) -> dict[str, Any]:
        """The request's JSON."""
        body: dict[str, Any] = {"model": model, "messages": messages, **self.relayed}
        if self.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        body |= self.extra
        return {name: value for name, value in body.items() if value is not None}


def _with_pictures(messages: Messages, pictures: list[tuple[Any, str | None]]) -> list[Message]:
    """Put pictures into the last turn, beside its text."""
    *before, last = messages
    content = last.get("content") or ""
    parts = [content] if isinstance(content, Mapping) else content
    if isinstance(parts, str):
        parts = [{"type": "text", "text": parts}] if parts else []
    shown = [
        {"type": "image_url", "image_url": {"url": to_data_uri(source)}} for source, _ in pictures
    ]
    return [*before, {**last, "content": [*parts, *shown]}]
