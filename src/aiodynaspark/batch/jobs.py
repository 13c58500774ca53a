"""A line of the input as a row to ask; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from .._json import parse
from ..errors import UsageError
from ..prompt import turns

if TYPE_CHECKING:
    from .lines import Line

URL = "/v1/chat/completions"
MAX_ID = 512

_OPTIONS = """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
    max_tokens metadata min_p modalities n parallel_tool_calls prediction presence_penalty
    prompt_cache_key reasoning_effort repetition_penalty response_format safety_identifier seed
    service_tier stop store temperature tool_choice tools top_k top_logprobs top_p user verbosity
"""
OPTIONS = frozenset(_OPTIONS.split())
"""What a row may set; nothing in a row chooses the server, its key or its headers."""

WRAPPED = frozenset({"method", "url", "body"})
OF_A_BODY = OPTIONS | {"model", "messages", "stream", "stream_options"}
OF_A_PROMPT = OPTIONS | {"custom_id", "prompt", "image", "system", "model"}


@dataclass(slots=True)
class Job:
    """What one line asks for.

    Attributes:
        line: its number.
        custom_id: its id, None where it has none.
        fault: why it cannot be asked; None if it can.
        messages: the chat.
        model: the model that the row names, "" if it names none.
        images: pictures beside the messages, as the row names them.
        options: the model's options.
    """

    line: int
    custom_id: str | None = None
    fault: UsageError | None = None
    messages: list[Any] = field(default_factory=list)
    model: str = ""
    images: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


def parse_job(line: Line, *, plain: bool = False, system: str = "") -> Job:
    """Read a line; what is wrong with it becomes the job's fault.

    Args:
        line: one line of the input.
        plain: whether it is a prompt and no JSON.
        system: what the model is told where the row does not say it itself.
    """
    job = Job(line.number)
    try:
        if line.fault:
            raise UsageError(f"The line {line.fault}.")
        _fill(job, {"prompt": _text(line.text)} if plain else _object(line.text), system)
    except UsageError as error:
        job.fault = error
    return job


def _fill(job: Job, row: dict[str, Any], system: str) -> None:
    job.custom_id = _custom_id(row)
    if WRAPPED & row.keys():
        body = _body(row)
        job.messages = _messages(body.get("messages"), system)
    else:
        body = _known(row, OF_A_PROMPT, "the row")
        job.images = _images(row.get("image"))
        job.messages = _prompt(row, system)
    job.model = _string(body, "model")
    job.options = {name: body[name] for name in body.keys() & OPTIONS if body[name] is not None}
    turns(job.messages)


def _text(raw: bytes) -> str:
    if b"\0" in raw:
        raise UsageError("The line holds a NUL character; a prompt is text.")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UsageError("The line is no UTF-8 text; convert the input to UTF-8.") from None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _strictly(raw)
    if not isinstance(value, dict):
        raise UsageError('The line is JSON, but no object; write {"prompt": "..."}.')
    return value


def _strictly(raw: bytes) -> Any:
    """Parse what the fast parser refused, since half a surrogate pair is no reason to."""
    try:
        return parse(_text(raw))
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("The line is no JSON; write one object on each line.") from None


def _custom_id(row: dict[str, Any]) -> str | None:
    found = row.get("custom_id")
    if found is None:
        return None
    if not isinstance(found, str) or not 0 < len(found) <= MAX_ID:
        raise UsageError(f"custom_id must be a text of 1 to {MAX_ID} characters.")
    return found


def _body(row: dict[str, Any]) -> dict[str, Any]:
    _known(row, WRAPPED | {"custom_id"}, "the row")
    if row.get("method") != "POST":
        raise UsageError("The row's method must be POST.")
    if row.get("url") != URL:
        raise UsageError(f"The row's url must be {URL}; nothing else is asked here.")
    body = row.get("body")
    if not isinstance(body, dict):
        raise UsageError("The row's body must be an object with messages.")
    return _known(body, OF_A_BODY, "the body")


def _known(members: dict[str, Any], names: frozenset[str], where: str) -> dict[str, Any]:
    if unknown := members.keys() - names:
        name = str(min(unknown))[:40]
        raise UsageError(f"There is no {name!r} in {where}; check its spelling, or leave it out.")
    return members


def _messages(found: Any, system: str) -> list[Any]:
    if not isinstance(found, list) or not found:
        raise UsageError("The body's messages must be a list that is not empty.")
    told = any(isinstance(turn, dict) and turn.get("role") == "system" for turn in found)
    return [*([] if told else _told(system)), *found]


def _prompt(row: dict[str, Any], system: str) -> list[Any]:
    if "prompt" not in row:
        raise UsageError("The row has no prompt; give it one.")
    said = {"role": "user", "content": _string(row, "prompt")}
    return [*_told(_string(row, "system") or system), said]


def _told(system: str) -> list[Any]:
    return [{"role": "system", "content": system}] if system else []


def _images(found: Any) -> list[str]:
    images = [] if found is None else found if isinstance(found, list) else [found]
    if not all(isinstance(image, str) and image for image in images):
        raise UsageError("image must be a file's path or a data URI, or a list of them.")
    return list(images)


def _string(members: dict[str, Any], name: str) -> str:
    found = members.get(name)
    if found is not None and not isinstance(found, str):
        raise UsageError(f"{name} must be a text.")
    return found or ""
