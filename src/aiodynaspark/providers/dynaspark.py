"""The Dynaspark form wire: one prompt, one model's name, at most one picture."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from .. import settings
from .._body import form_body
from .._field import FieldDecoder
from .._headers import Headers
from .._losses import dropped_pictures, merged_roles
from .._options import NetworkOptions, is_text, is_texts, one_of
from .._url import without_credentials
from .._version import __version__
from ..errors import UsageError
from ..media import Attachment, media_items, open_media
from ..prompt import pictures_in, render_turns, text_of, turns
from ..provider import AsyncGeneratorProvider, ProviderModelMixin
from ..types import Facts, Notice, ServedBy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence

    from .._options import Check
    from ..transport import Exchange
    from ..types import Chunk, MediaListType, MediaSource, Message, Messages

__all__ = ["Dynaspark"]

ROUTE = "/generate_response"


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
        options = Options.parse(kwargs)
        if options.images == "sheet":
            messages, media = await _on_one_sheet(messages, media)
        asking = await _asking(cls, model, messages, media, proxy, options)
        stream = options.stream
        del options  # of thousands that wait, the collector would go through each one's
        async with asking as exchange:
            async for batch in exchange:
                for chunk in batch if stream else _joined(batch):
                    yield chunk


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
    form: Mapping[str, str] = MappingProxyType({})
    images: str = "first"
    packing: str = "plain"

    checks: ClassVar[Mapping[str, Check]] = {
        **NetworkOptions.checks,
        "url": is_text,
        "api_endpoint": is_text,
        "form": is_texts,
        "images": one_of("first", "sheet", "error"),
        "packing": one_of("plain", "safe"),
    }

    def fit(
        self, messages: Messages, media: MediaListType | None
    ) -> tuple[str, tuple[Any, str | None] | None]:
        """Make one prompt and one picture of a chat, and report what got lost by it."""
        chat = turns(messages)
        pictures = _pictures(messages, media)
        losses = merged_roles(chat)
        if len(pictures) > 1:
            if self.images == "error":
                raise UsageError(
                    f"This wire carries one picture, and {len(pictures)} were given; "
                    'send one, or set images="sheet" or images="first".'
                )
            losses += dropped_pictures(name for _, name in pictures[1:])
        self.report(losses)
        prompt = render_turns(chat, self.packing, alone=len(messages) == 1)
        return prompt, pictures[0] if pictures else None

    def endpoint(self, provider: type[Dynaspark]) -> str:
        """The address that the form is posted to."""
        if self.api_endpoint:
            return self.api_endpoint
        return self.url.rstrip("/") + ROUTE if self.url else provider.api_endpoint


class Post(msgspec.Struct):
    """What goes over the wire for one ask."""

    endpoint: str
    fields: list[tuple[str, str]]
    headers: Headers
    attachment: Attachment | None


def prepare(
    provider: type[Dynaspark],
    model: str,
    messages: Messages,
    media: MediaListType | None,
    options: Options,
) -> Post:
    """Work out what an ask sends, and report what gets lost by it; nothing is sent."""
    prompt, picture = options.fit(messages, media)
    endpoint = options.endpoint(provider)
    fields = [
        ("user_input", prompt),
        ("ai_model", model or provider.default_model),
        *options.form.items(),
    ]
    attachment = open_media(*picture) if picture else None
    return Post(endpoint, fields, options.all_headers(endpoint, _browser_headers), attachment)


def _browser_headers(endpoint: str) -> dict[str, str]:
    """What is always sent, besides ``accept``, as a page of that server would send it."""
    origin = "/".join(without_credentials(endpoint).split("/", 3)[:3])
    return {
        "accept-language": "en-US,en;q=0.9",
        "origin": origin,
        "referer": f"{origin}/",
        "user-agent": f"Mozilla/5.0 (compatible; aiodynaspark/{__version__})",
        "x-requested-with": "XMLHttpRequest",
    }


@lru_cache(maxsize=64)
def _nobody_there(endpoint: str) -> str:
    base = without_credentials(endpoint.removesuffix(ROUTE))
    return (
        f"No Dynaspark server answers at {base}: "
        "start one with `dynaspark serve`, or set DYNASPARK_URL."
    )


def _pictures(
    messages: Messages, media: MediaListType | None
) -> list[tuple[MediaSource, str | None]]:
    inside = pictures_in(messages)
    return media_items(media) + media_items(inside) if inside or media is not None else []


def _asking(
    provider: type[Dynaspark],
    model: str,
    messages: Messages,
    media: MediaListType | None,
    proxy: str | None,
    options: Options,
) -> Awaitable[Exchange[Chunk]]:
    """The request for an answer, which entering it sends."""
    post = prepare(provider, model, messages, media, options)
    return options.ask(
        post.endpoint,
        _Answer,
        body=form_body(post.fields, post.attachment),
        headers=post.headers,
        proxy=proxy,
        if_refused=_nobody_there(post.endpoint),
    )


async def _on_one_sheet(
    messages: Messages, media: MediaListType | None
) -> tuple[Messages, MediaListType | None]:
    """Put several pictures on one numbered sheet, and its legend at the end of the last turn."""
    pictures = _pictures(messages, media)
    if len(pictures) < 2:
        return messages, media
    from ..sheet import contact_sheet  # here: few asks send one

    sheet, legend = await asyncio.to_thread(contact_sheet, pictures)
    *earlier, last = messages
    said = text_of(last.get("content"))
    text = f"{said}\n\n{legend}" if said else legend
    return [*_without_pictures(earlier), {**last, "content": text}], [(sheet, "sheet.jpg")]


def _without_pictures(messages: Sequence[Message]) -> list[Message]:
    return [{**message, "content": text_of(message.get("content"))} for message in messages]


class _Answer:
    """Decodes the JSON answer: the text as it comes, and what our own server says beside it."""

    def __init__(self) -> None:
        self._text = FieldDecoder()
        self._told = 0

    def feed(self, data: bytes) -> list[Chunk]:
        """Return the chunks that these bytes complete; a picture's facts come before the text."""
        text = self._text.feed(data)
        chunks: list[Chunk] = [text] if text else []
        for chunk in self._beside():
            chunks.insert(0 if isinstance(chunk, Facts) else len(chunks), chunk)
        return chunks

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
