"""The embedded model: SmolLM2 through llama.cpp, in this process, without a network."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from .. import settings
from ..errors import ModelNotFound, UnsupportedMedia
from ..local import advice, asking, conversation, description, replies, seeing, weights
from ..local.engine import Engine, Setup, load, loaded, unload
from ..media import media_items
from ..prompt import last_text, pictures_in
from ..provider import AsyncGeneratorProvider, ProviderModelMixin
from ..types import FinishReason, Notice, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ..types import Chunk, Facts, MediaListType, MediaSource, Messages

__all__ = ["Local"]

_SAMPLING = ("temperature", "top_p", "max_tokens", "stop", "seed", "repeat_penalty")
_OWN = {"max_tokens": 2048}
_LOOKUP = {"temperature": 0, "max_tokens": 128, "stop": ["\n"]}
_CHAT = {"temperature": 0, "max_tokens": 128, "dry_multiplier": 0.8}
"""The small model loops. DRY punishes repeated sequences and, unlike ``repeat_penalty``, does not
drive a good answer on past its end. A lookup is to repeat what it read, so it goes without."""


class Local(AsyncGeneratorProvider, ProviderModelMixin):
    """Answers with a small model in this process, or with the one of ``DYNASPARK_GGUF``.

    The small model sees no pictures: their size, colours and text are stated as ``Facts``, and
    questions are answered from these.
    """

    supports_stream: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = True
    supports_media: ClassVar[bool] = True
    supported_fields: ClassVar[tuple[str, ...]] = ("stop",)
    default_model: ClassVar[str] = weights.SMOLLM2.model
    models: ClassVar[list[str]] = [default_model]

    @classmethod
    async def create_async_generator(
        cls,
        model: str,
        messages: Messages,
        proxy: str | None = None,
        media: MediaListType | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield facts of the pictures, the text as it is made, notices, usage, finish reason.

        Args:
            model: ``smollm2-135m-instruct``, or empty.
            messages: the chat; the last turn is the question where there are pictures.
            proxy: ignored, nothing is sent.
            media: pictures; those in the messages come before them.
            **kwargs: ``temperature`` (0), ``top_p``, ``max_tokens`` (128), ``stop``, ``seed``;
                ``timeout``, in seconds, over waiting for a slot and answering (600);
                ``slots`` (2), ``threads``, ``context`` (4096 tokens) of the engine;
                ``progress``, called as the weights are fetched.

        Raises:
            UsageError: the messages are malformed, or longer than the context.
            ModelNotFound: there is no such model here.
            UnsupportedMedia: a picture is none, or is cut short.
            ModelUnavailable: the engine or its weights are missing or damaged.
            TransportTimeout: the deadline has passed.
        """
        cls._check(model)
        question = last_text(messages)
        pictures = _pictures(messages, media)
        if pictures and _sees():
            answer = _from_engine(conversation.with_pictures(messages, pictures), _OWN, kwargs)
        elif pictures:
            answer = _about(pictures, question, messages, kwargs)
        else:
            answer = _chat(messages, question, kwargs)
        async with aclosing(answer) as parts:
            async for part in parts:
                yield part

    @classmethod
    def get_models(cls, **kwargs: Any) -> list[str]:
        """List the one model that answers here: the small one, or that of ``DYNASPARK_GGUF``."""
        own = settings.weights_file()
        return [own.stem] if own else list(cls.models)

    @classmethod
    async def open(cls, **options: Any) -> None:
        """Fetch the weights if they are missing, load the engine, evaluate the fixed prompts.

        Args:
            **options: ``slots``, ``threads``, ``context``, ``progress``; ``warm=False`` leaves
                the prompts to the first ask.
        """
        engine = await _engine(options)
        if settings.weights_file() or not options.get("warm", True):
            return
        for chat in (conversation.opening(), asking.examples()):
            async with aclosing(engine.stream({"messages": chat, "max_tokens": 1})) as events:
                async for _ in events:
                    pass

    @classmethod
    async def aclose(cls) -> None:
        """Free the engine's memory; answers on their way end with ModelUnavailable."""
        await asyncio.to_thread(unload)

    @classmethod
    def _check(cls, model: str) -> None:
        known = {cls.default_model, *cls.get_models()}
        if cls.get_model(model) not in known:
            raise ModelNotFound(
                f"The provider local has no model {model!r}; it has {', '.join(cls.get_models())}."
            )


def _pictures(messages: Messages, media: MediaListType | None) -> list[MediaSource]:
    inside = pictures_in(messages)
    if not all(address.startswith("data:") for address in inside):
        raise UnsupportedMedia(
            "A picture in the messages is no data: URI; send the picture itself, as nothing is "
            "fetched for you."
        )
    return [*inside, *(source for source, _ in media_items(media))]


def _sees() -> bool:
    return bool(settings.weights_file() and settings.projector_file())


async def _chat(
    messages: Messages, question: str, kwargs: dict[str, Any]
) -> AsyncGenerator[Chunk, None]:
    small = settings.weights_file() is None
    chat = conversation.chat(messages, small=small)
    notes = advice.on_language(question) if small else []
    answer = _from_engine(chat, _CHAT if small else _OWN, kwargs)
    async with aclosing(answer) as parts:
        async for part in parts:
            if isinstance(part, Usage):
                for note in [*notes, advice.REAL_MODEL] if notes else ():
                    yield Notice(note)
            yield part


async def _about(
    pictures: list[MediaSource], question: str, messages: Messages, kwargs: dict[str, Any]
) -> AsyncGenerator[Chunk, None]:
    facts: list[Facts] = []
    for picture in pictures:
        stated, shortfall = await asyncio.to_thread(seeing.look, picture, question)
        facts.append(stated)
        yield stated
        if shortfall:
            yield Notice(shortfall)
    small = settings.weights_file() is None
    if description.asks_what_it_is(question) or not asking.can_answer(question, facts):
        for line in description.describe(facts).splitlines(keepends=True):
            yield line
        yield Notice(advice.REAL_MODEL if small else advice.DOES_NOT_SEE)
        yield Usage(0, 0)
        yield FinishReason("stop")
        return
    if small:
        answer = _from_engine(asking.chat_about(question, facts), _LOOKUP, kwargs)
    else:
        chat = conversation.with_description(messages, description.describe(facts))
        answer = _from_engine(chat, _OWN, kwargs)
    said = ""
    async with aclosing(answer) as parts:
        async for part in parts:
            if isinstance(part, str):
                said += part
            elif isinstance(part, Usage):
                for note in _notes(said, facts, question, small):
                    yield Notice(note)
            yield part


def _notes(said: str, facts: list[Facts], question: str, small: bool) -> list[str]:
    notes = advice.on_answer(said, facts, question)
    if not small:
        return [*notes, advice.DOES_NOT_SEE]
    lookup = advice.on_lookup(facts, question)
    return [*advice.on_language(question), *notes, *lookup, advice.REAL_MODEL]


async def _from_engine(
    chat: list[dict[str, Any]], defaults: dict[str, Any], kwargs: dict[str, Any]
) -> AsyncGenerator[Chunk, None]:
    deadline = asyncio.get_running_loop().time() + kwargs.get("timeout", 600)
    engine = await _engine(kwargs)
    given = {"max_tokens": kwargs.get("max_completion_tokens"), **kwargs}
    chosen = {name: given[name] for name in _SAMPLING if given.get(name) is not None}
    request = {**defaults, **chosen, "messages": chat, "stream_options": {"include_usage": True}}
    said, finish = "", FinishReason("stop")
    async with aclosing(engine.stream(request, deadline=deadline)) as events:
        async for event in events:
            if error := replies.fault(event, said):
                raise error
            for chunk in replies.chunks(event):
                if isinstance(chunk, FinishReason):
                    finish = chunk  # comes before the usage, and is yielded last
                    continue
                said += chunk if isinstance(chunk, str) else ""
                yield chunk
    yield finish


async def _engine(options: dict[str, Any]) -> Engine:
    """The engine for these options; the weights are fetched and loaded in a thread."""
    path = weights.provided()
    if path and (engine := loaded(_setup(path, options))):
        return engine
    stop = threading.Event()

    def make() -> Engine:
        return load(_setup(weights.provide(options.get("progress"), stop), options))

    try:
        return await asyncio.to_thread(make)
    finally:
        stop.set()


def _setup(path: Path, options: dict[str, Any]) -> Setup:
    return Setup(
        weights=path,
        projector=settings.projector_file() if settings.weights_file() else None,
        slots=options.get("slots") or 2,
        threads=options.get("threads") or settings.threads(),
        context=options.get("context") or 4096,
    )
