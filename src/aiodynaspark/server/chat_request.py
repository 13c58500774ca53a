"""The body of a chat completion's request, as far as it is understood here; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from ..errors import UsageError
from .json_request import check, ignored, parse_object

if TYPE_CHECKING:
    from ..types import Loss

Count = Annotated[int, Meta(ge=1)]
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class Text(Struct, tag="text"):
    """A part that is text."""

    text: str


class Refusal(Struct, tag="refusal"):
    """A part in which the assistant declined."""

    refusal: str


class ImageUrl(Struct):
    """Where a picture is."""

    url: str
    detail: str | None = None


class Image(Struct, tag="image_url"):
    """A part that is a picture."""

    image_url: ImageUrl


class ChatMessage(Struct):
    """One turn."""

    role: Role
    content: str | list[Text | Refusal | Image] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: dict[str, Any] | None = None
    refusal: str | None = None


class StreamOptions(Struct):
    """How the answer is to be streamed."""

    include_usage: bool | None = None


class Body(Struct):
    """The fields that are about the answer as a whole."""

    model: str
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None


class Options(Struct):
    """The fields that go to the provider as they are; no other one ever does."""

    frequency_penalty: float | None = None
    function_call: str | dict[str, Any] | None = None
    functions: list[dict[str, Any]] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Count | None = None
    max_tokens: Count | None = None
    metadata: dict[str, str] | None = None
    min_p: float | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    parallel_tool_calls: bool | None = None
    prediction: dict[str, Any] | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: str | None = None
    repetition_penalty: float | None = None
    response_format: dict[str, Any] | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    top_k: int | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: str | None = None


KNOWN = frozenset((*Body.__struct_fields__, *Options.__struct_fields__))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What was asked.

    Attributes:
        model: the name of a model.
        messages: the chat, as it came.
        options: the fields for the provider.
        stream: whether the answer is to come as events.
        include_usage: whether the last event is to tell the token counts.
        losses: the fields that mean nothing here.
    """

    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    stream: bool
    include_usage: bool
    losses: list[Loss]


def parse_chat_request(body: bytes) -> ChatRequest:
    """Read and check a body.

    Raises:
        UsageError: it is malformed; ``param`` names the field.
    """
    data = parse_object(body)
    about = check(data, Body)
    check(data, Options)
    for index, message in enumerate(about.messages):
        if message.content is None and message.role != "assistant":
            raise UsageError(
                f"messages[{index}] has no content; give it a text, which may be empty.",
                param=f"messages[{index}].content",
            )
    return ChatRequest(
        model=about.model,
        messages=data["messages"],
        options={
            name: data[name] for name in Options.__struct_fields__ if data.get(name) is not None
        },
        stream=bool(about.stream),
        include_usage=bool(about.stream_options and about.stream_options.include_usage),
        losses=ignored(data, KNOWN),
    )
