"""The Dynaspark form wire: one prompt, one model's name, at most one picture."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from .. import settings
from .._body import form_body
from .._field import FieldDecoder
from .._losses import dropped_pictures, merged_roles
from .._options import NetworkOptions
from .._url import without_credentials
from .._version import __version__
from ..errors import UsageError
from ..media import media_items, open_media
from ..prompt import pictures_in, render_prompt, text_of, turns
from ..provider import AsyncGeneratorProvider, ProviderModelMixin
from ..sheet import contact_sheet
from ..types import Facts, Notice, ServedBy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from ..media import Attachment
    from ..types import Chunk, MediaListType, Messages

__all__ = ["Dynaspark"]

ROUTE = "/generate_response"
WHAT_TO_DO = "start one with `dynaspark serve`, or set DYNASPARK_URL."


class _Url:
    """A class attribute that reads the settings until somebody assigns it."""

    def __get__(self, instance: object, owner: type[Dynaspark]) -> str:
        return settings.server_url()


class _Endpoint:
    """A class attribute that follows ``url`` until somebody assigns it."""

    def __get__(self, instance: object, owner: type[Dynaspark]) -> str:
        return owner.url.rstrip("/") + ROUTE


class Dynaspark(AsyncGeneratorProvider, ProviderModelMixin):
    """Asks a Dynaspark server: its own (``dynaspark serve``), or the one that ``url`` names."""

    url = _Url()
    login_url: ClassVar[str | None] = None
    api_endpoint = _Endpoint()

    working: ClassVar[bool] = True
    needs_auth: ClassVar[bool] = False
    use_nodriver: ClassVar[bool] = True
    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = False
    supports_message_history: ClassVar[bool] = False
    supports_media: ClassVar[bool] = True

    default_model: ClassVar[str] = "gemini-1.5-flash"
    default_vision_model: ClassVar[str] = default_model
    vision_models: ClassVar[list[str]] = [
        default_vision_model,
        "gemini-1.5-flash-8b",
        "gemini-2.0-flash",
        "gemini-2.0-flash-lite",
    ]
    models: ClassVar[list[str]] = vision_models
    model_aliases: ClassVar[Mapping[str, str]] = {
        "gemini-1.5-flash": "gemini-1.5-flash-8b",
        "gemini-2.0-flash": "gemini-2.0-flash-lite",
    }

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Send the chat as a form and yield the answer while it arrives.

        Args:
            model: sent exactly as it is; an empty one becomes ``default_model``.
            messages: the chat; the wire carries it as one prompt.
            proxy: URL of an http or socks5 proxy for this call.
            media: pictures (JPEG, PNG, GIF, WebP); the wire carries the first.
            **kwargs: see ``Options``; unknown ones are ignored, and reported as losses.

        Raises:
            UsageError: messages, options or the URL are malformed; nothing was sent.
            UnsupportedMedia: a picture is none; nothing was sent.
            ConnectError: no server answers there.
            TransportTimeout: the deadline (``timeout``) or the idle limit passed.
            ResponseError: the server refused (AuthenticationError, RateLimitError, UpstreamError).
            StreamError: the answer is malformed or cut; it holds the text so far.
        """
        from ..transport import current

        options = Options.parse(kwargs)
        post = await prepare(cls, model, messages, media, options)
        request = options.request(
            post.endpoint,
            body=form_body(post.fields, post.attachment),
            headers=post.headers,
            proxy=proxy,
            if_refused=f"No Dynaspark server answers at {post.base}: {WHAT_TO_DO}",
        )
        transport = options.transport or await current()
        async with transport.stream(request, _Answer) as exchange:
            async for batch in exchange:
                for chunk in batch if options.stream else _joined(batch):
                    yield chunk


@dataclass(slots=True)
class Options(NetworkOptions):
    """What ``create_async_generator`` understands besides its named parameters.

    Attributes:
        url: base of the server; the endpoint, origin and referer follow it.
        api_endpoint: the full endpoint; wins over ``url``.
        form: extra fields of the form.
        images: what to do with several pictures: "first", "sheet" or "error".
        packing: how turns become one prompt: "plain" or "safe".
    """

    url: str | None = None
    api_endpoint: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    images: str = "first"
    packing: str = "plain"

    def __post_init__(self) -> None:
        _check("images", self.images, ("first", "sheet", "error"))
        _check("packing", self.packing, ("plain", "safe"))

    async def fit(
        self, messages: Messages, media: MediaListType | None
    ) -> tuple[str, tuple[Any, str | None] | None]:
        """Make one prompt and one picture of a chat, and report what got lost by it."""
        chat = turns(messages)
        pictures = [*media_items(media), *media_items(pictures_in(messages))]
        losses = merged_roles(chat)
        if len(pictures) > 1 and self.images == "error":
            raise UsageError(
                f"This wire carries one picture, and {len(pictures)} were given; "
                'send one, or set images="sheet" or images="first".'
            )
        if len(pictures) > 1 and self.images == "sheet":
            sheet, legend = await asyncio.to_thread(contact_sheet, pictures)
            messages, pictures = _with_text(messages, legend), [(sheet, "sheet.jpg")]
        losses += dropped_pictures(name for _, name in pictures[1:])
        self.report(losses)
        return render_prompt(messages, self.packing), pictures[0] if pictures else None

    def endpoint(self, provider: type[Dynaspark]) -> str:
        """The address that the form is posted to."""
        if self.api_endpoint:
            return self.api_endpoint
        return self.url.rstrip("/") + ROUTE if self.url else provider.api_endpoint

    def browser_headers(self, endpoint: str) -> dict[str, str]:
        """The six headers that are always sent, the key's, and what the caller replaces."""
        origin = "/".join(without_credentials(endpoint).split("/", 3)[:3])
        return self.all_headers(
            accept_language="en-US,en;q=0.9",
            origin=origin,
            referer=f"{origin}/",
            user_agent=f"Mozilla/5.0 (compatible; aiodynaspark/{__version__})",
            x_requested_with="XMLHttpRequest",
        )


@dataclass(frozen=True, slots=True)
class Post:
    """What goes over the wire for one ask."""

    endpoint: str
    fields: list[tuple[str, str]]
    headers: dict[str, str]
    attachment: Attachment | None

    @property
    def base(self) -> str:
        """The server's own address, as it may be shown."""
        return without_credentials(self.endpoint.removesuffix(ROUTE))


async def prepare(
    provider: type[Dynaspark],
    model: str,
    messages: Messages,
    media: MediaListType | None,
    options: Options,
) -> Post:
    """Work out what an ask sends, and report what gets lost by it; nothing is sent."""
    prompt, picture = await options.fit(messages, media)
    endpoint = options.endpoint(provider)
    fields = [
        ("user_input", prompt),
        ("ai_model", model or provider.default_model),
        *options.form.items(),
    ]
    attachment = open_media(*picture) if picture else None
    return Post(endpoint, fields, options.browser_headers(endpoint), attachment)


def _with_text(messages: Messages, text: str) -> Messages:
    """The chat with a text at the end of its last turn, where it comes before the answer."""
    *earlier, last = messages
    said = text_of(last.get("content"))
    return [*earlier, {**last, "content": f"{said}\n\n{text}" if said else text}]


def _check(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} has to be one of {', '.join(map(repr, allowed))}.")


class _Answer:
    """Decodes the JSON answer: the text as it comes, and what our own server says beside it."""

    def __init__(self) -> None:
        self._text = FieldDecoder()
        self._told = 0

    def feed(self, data: bytes) -> list[Chunk]:
        """Return the chunks that these bytes complete; a picture's facts come before the text."""
        text = self._text.feed(data)
        if not (beside := self._beside()):
            return [text] if text else []
        facts = [chunk for chunk in beside if isinstance(chunk, Facts)]
        rest = [chunk for chunk in beside if not isinstance(chunk, Facts)]
        return [*facts, *([text] if text else []), *rest]

    def finish(self) -> list[Chunk]:
        """Return what is left; StreamError if the body is not whole."""
        self._text.finish()
        return self._beside()

    def _beside(self) -> list[Chunk]:
        members = self._text.members
        if len(members) == self._told:
            return []
        new = list(members.items())[self._told :]
        self._told = len(members)
        return [chunk for name, value in new for chunk in _parse_member(name, value)]


def _parse_member(name: str, value: Any) -> list[Chunk]:
    """Chunks of one member of the answer beside ``response``; what is not ours means nothing."""
    try:
        match name, value:
            case "model", str():
                return [ServedBy(value)]
            case "facts", dict():
                return [msgspec.convert(value, Facts)]
            case "notices", list():
                return [Notice(text) for text in value if isinstance(text, str)]
    except msgspec.ValidationError:
        pass
    return []


def _joined(batch: list[Chunk]) -> list[Chunk]:
    text = "".join([chunk for chunk in batch if isinstance(chunk, str)])
    return [*([text] if text else []), *(chunk for chunk in batch if not isinstance(chunk, str))]
