"""The documented query wire: one prompt and its options in a GET."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from .. import settings
from .._losses import ignored_options, merged_roles, report
from .._query_answer import QueryDecoder
from .._url import without_credentials
from .._version import __version__
from ..errors import UsageError
from ..prompt import SYSTEM_ROLES, format_prompt, turns
from ..provider import AsyncGeneratorProvider, ProviderModelMixin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from typing import Self

    from ..transport import Transport
    from ..types import Chunk, Loss, MediaListType, Messages

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
        from ..transport import Request, current

        if media:
            raise UsageError("The query wire carries no pictures; ask dynaspark or openai.")
        options = Options.parse(kwargs)
        query = options.query(model, messages)
        options.report_losses(messages)
        request = Request(
            url=f"{options.url}{ROUTE}?{urlencode(query, quote_via=quote, errors='replace')}",
            headers=options.all_headers(),
            key=options.api_key,
            proxy=proxy,
            timeout=options.timeout,
            retries=options.retries,
            whole=not options.stream,
            max_answer=options.max_answer,
            if_refused=(
                f"No Dynaspark server answers at {without_credentials(options.url)}: "
                "start one with `dynaspark serve`, or set DYNASPARK_URL."
            ),
            notify=options.notify,
        )
        transport = options.transport or await current()
        async with transport.stream(request, QueryDecoder) as exchange:
            async for batch in exchange:
                for chunk in batch:
                    yield chunk


@dataclass(slots=True)
class Options:
    """What ``create_async_generator`` understands besides the query's own parameters.

    Attributes:
        url: base of the server; ``DYNASPARK_URL``, else our own on this machine.
        api_key: sent as a Bearer token and, as the wire wants it, in the query.
        timeout: seconds over everything, retries included; 120 for a whole answer, else 600.
        retries: attempts after the first one, 2 where it is not given.
        stream: False asks for the answer as one object.
        headers: further headers.
        max_answer: bytes of the answer's body, 16 MiB where it is not given.
        transport: connections to use instead of the loop's own.
        losses: called with the list of what the wire could not carry.
        strict: True makes a loss an error.
        notify: called with a sentence when the user has to be patient.
    """

    url: str = ""
    api_key: str | None = field(default=None, repr=False)
    timeout: float | None = None
    retries: int | None = None
    stream: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_answer: float | None = None
    transport: Transport | None = None
    losses: Callable[[list[Loss]], None] | None = None
    strict: bool = False
    notify: Callable[[str], None] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @classmethod
    def parse(cls, kwargs: Mapping[str, Any]) -> Self:
        """Take what is known, and remember the names of the rest; None means the default."""
        known = {option.name for option in fields(cls)} - {"parameters", "ignored"}
        given = {name: value for name, value in kwargs.items() if value is not None}
        options = cls(
            **{name: value for name, value in given.items() if name in known},
            parameters={name: value for name, value in given.items() if name in PARAMETERS},
            ignored=tuple(name for name in given if name not in {*known, *PARAMETERS}),
        )
        options.url = (options.url or settings.server_url()).rstrip("/")
        return options

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
            **self.parameters,
            "stream" if self.stream else "json": True,
        }
        return [(name, _written(value)) for name, value in given.items() if value is not None]

    def report_losses(self, messages: Messages) -> None:
        """Tell the caller what the wire could not carry."""
        talk = [turn for turn in turns(messages) if turn.role not in SYSTEM_ROLES]
        losses = [*merged_roles(talk), *ignored_options(self.ignored)]
        report(losses, self.losses, strict=self.strict)

    def all_headers(self) -> dict[str, str]:
        """Our headers, the key's, and the caller's."""
        ours = {"accept": "*/*", "user-agent": f"aiodynaspark/{__version__}"}
        if self.api_key:
            ours["authorization"] = f"Bearer {self.api_key}"
        return ours | {name.lower(): value for name, value in self.headers.items()}


def _role(message: Mapping[str, Any]) -> str:
    return str(message.get("role", "")).lower()


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
