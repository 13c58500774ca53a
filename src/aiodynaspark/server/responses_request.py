"""The body of a request to ``/v1/responses``, as a chat; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from ..errors import UsageError
from .chat_request import Count
from .json_request import check, ignored, parse_object

if TYPE_CHECKING:
    from ..types import Loss

UNSUPPORTED = ("background", "conversation", "previous_response_id", "prompt", "tools")
"""Fields that ask for what is not done here, so that leaving them out would mislead."""


class InputText(Struct, tag="input_text"):
    """A part that is text of the user's."""

    text: str


class OutputText(Struct, tag="output_text"):
    """A part that is text of an earlier answer."""

    text: str


class Refusal(Struct, tag="refusal"):
    """A part in which the assistant declined."""

    refusal: str


class InputImage(Struct, tag="input_image"):
    """A part that is a picture."""

    image_url: str
    detail: str | None = None


Part = InputText | OutputText | Refusal | InputImage


class Item(Struct):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]
    type: Literal["message"] = "message"


class Format(Struct):
    """The shape that the text is to have."""

    type: str = "text"


class TextOptions(Struct):
    """How the text is to be."""

    format: Format | None = None


class Body(Struct):
    """The fields that mean something here."""

    model: str
    input: str | Annotated[list[Item], Meta(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: float | None = None
    text: TextOptions | None = None
    metadata: dict[str, str] | None = None


KNOWN = frozenset(
    (*Body.__struct_fields__, *UNSUPPORTED, "parallel_tool_calls", "store", "tool_choice")
)


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """What was asked.

    Attributes:
        body: the fields as they came.
        messages: the chat that they make.
        options: the fields for the provider.
        losses: the fields that mean nothing here.
    """

    body: Body
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    losses: list[Loss]


def parse_responses_request(data: bytes) -> ResponsesRequest:
    """Read and check a body.

    Raises:
        UsageError: it is malformed, or asks for what is not done here; ``param`` names the field.
    """
    fields = parse_object(data)
    body = check(fields, Body)
    for name in UNSUPPORTED:
        if fields.get(name):
            raise UsageError(f"The field {name} is not supported here; leave it out.", param=name)
    if body.text and body.text.format and body.text.format.type != "text":
        raise UsageError(
            "The answer is plain text here; leave out text.format.", param="text.format"
        )
    given = {
        "max_tokens": body.max_output_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
    }
    return ResponsesRequest(
        body=body,
        messages=_messages(body),
        options={name: value for name, value in given.items() if value is not None},
        losses=ignored(fields, KNOWN),
    )


def _messages(body: Body) -> list[dict[str, Any]]:
    told = [{"role": "system", "content": body.instructions}] if body.instructions else []
    if isinstance(body.input, str):
        return [*told, {"role": "user", "content": body.input}]
    return [*told, *({"role": item.role, "content": _content(item)} for item in body.input)]


def _content(item: Item) -> str | list[dict[str, Any]]:
    if isinstance(item.content, str):
        return item.content
    return [_part(part) for part in item.content]


def _part(part: Part) -> dict[str, Any]:
    """A part as chat completions have it."""
    match part:
        case InputImage(url, detail):
            address = {"url": url} if detail is None else {"url": url, "detail": detail}
            return {"type": "image_url", "image_url": address}
        case Refusal(text):
            return {"type": "text", "text": text}
    return {"type": "text", "text": part.text}
