"""The documented query wire: one prompt and its options in a GET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from .. import settings
from .._losses import merged_roles
from .._options import NetworkOptions, is_text
from .._query_answer import QueryDecoder
from .._url import without_credentials
from ..errors import UsageError
from ..prompt import SYSTEM_ROLES, format_prompt, turns
from ..provider import AsyncGeneratorProvider, ProviderModelMixin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from .._options import Check
    from ..types import Chunk, MediaListType, Messages

__all__ = ["DynasparkAPI"]

ROUTE = "/api/generate_response"

PARAMETERS = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "private",
    "seed",
    "referrer",
    "voice",
)
"""Options that are parameters of the query as they are."""


class DynasparkAPI(AsyncGeneratorProvider, ProviderModelMixin):
    """Asks a Dynaspark server over the route that is documented for programs."""

    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Send the chat as a query and yield the answer while it arrives.

        Args:
            model: the model's name; an empty one leaves the choice to the server.
            messages: the chat; system turns go as ``system``, the others as one prompt.
            proxy: URL of an http or socks5 proxy for this call.
            media: has to be empty: this wire carries no pictures.
            **kwargs: the names in ``PARAMETERS``, and what ``Options`` lists; others are ignored,
                and reported as losses.

        Raises:
            UsageError: messages, options or the URL are malformed; nothing was sent.
            ConnectError: no server answers there.
            TransportTimeout: the deadline (``timeout``) or the idle limit passed.
            ResponseError: the server refused (AuthenticationError, RateLimitError, UpstreamError).
            StreamError: the answer is malformed or cut; it holds the text so far.
        """
        if media:
            raise UsageError("The query wire carries no pictures; ask dynaspark or openai.")
        options = Options.parse(kwargs, PARAMETERS)
        query = options.query(model, messages)
        options.report(
            merged_roles([turn for turn in turns(messages) if turn.role not in SYSTEM_ROLES])
        )
        asking = await options.ask(
            f"{options.url}{ROUTE}?{urlencode(query, quote_via=quote, errors='replace')}",
            QueryDecoder,
            headers=options.all_headers(options.url),
            proxy=proxy,
            if_refused=(
                f"No Dynaspark server answers at {without_credentials(options.url)}: "
                "start one with `dynaspark serve`, or set DYNASPARK_URL."
            ),
        )
        async with asking as exchange:
            async for batch in exchange:
                for chunk in batch:
                    yield chunk


class Options(NetworkOptions):
    """What ``create_async_generator`` understands besides the query's own parameters.

    The key goes in a header and, as the wire wants it, in the query.

    Attributes:
        url: base of the server; ``DYNASPARK_URL``, else our own on this machine.
    """

    url: str = ""

    checks: ClassVar[Mapping[str, Check]] = {**NetworkOptions.checks, "url": is_text}

    def settle(self) -> None:
        """Find the server."""
        self.url = (self.url or settings.server_url()).rstrip("/")

    def query(self, model: str, messages: Messages) -> list[tuple[str, str]]:
        """The query's parameters in their order.

        Raises:
            UsageError: the messages are malformed, or there are system turns alone.
        """
        system = [turn.text for turn in turns(messages) if turn.role in SYSTEM_ROLES]
        talk = [message for message in messages if _role(message) not in SYSTEM_ROLES]
        given = {
            "user_input": format_prompt(talk),
            "api_key": self.api_key,
            "model": model or None,
            "system": "\n\n".join(system) or None,
            **self.relayed,
            "stream" if self.stream else "json": True,
        }
        return [(name, _written(value)) for name, value in given.items() if value is not None]


def _role(message: Mapping[str, Any]) -> str:
    return str(message.get("role", "")).lower()


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
