"""A chat as one text: what a wire carries that knows a prompt and no messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import UsageError

if TYPE_CHECKING:
    from .types import Messages

__all__ = [
    "SYSTEM_ROLES",
    "Turn",
    "format_prompt",
    "last_text",
    "pack",
    "pictures_in",
    "render_prompt",
    "render_turns",
    "text_of",
    "turns",
    "unpack",
]

SYSTEM_ROLES = ("system", "developer")
TEXT_PARTS = (None, "text", "input_text", "output_text")
PICTURE_PARTS = ("image_url", "input_image")

_QUOTE = "> "
_EXPLAINED = (
    "A chat follows. What each role said is quoted with > marks. "
    "Answer the last turn as the assistant, without the marks.\n"
)
_INVITATION = "assistant:"
_ROLES = frozenset({"assistant", "developer", "system", "tool", "user"})
"""The usual ones; any other name that _ROLE fits may stand for a role too."""

_ROLE = re.compile(r"\w[\w .-]*")

_DICTS = (dict, Mapping)
_LISTS = (list, tuple, Sequence)
_TEXTS = (str, bytes)
"""Not written as unions where they are asked for: making one takes as long as the rest there."""


class Turn(NamedTuple):
    """One message of a chat: who spoke, in lower case, and the text alone."""

    role: str
    text: str


def format_prompt(
    messages: Messages,
    add_special_tokens: bool = False,
    do_continue: bool = False,
    include_system: bool = True,
) -> str:
    """Write a chat as one prompt: the bare text of one message, ``Role: text`` lines of several.

    Args:
        messages: the chat, oldest turn first; of several, the blank ones are dropped.
        add_special_tokens: name the roles even where there is one message.
        do_continue: leave out the last line, ``Assistant:``, which asks for the answer.
        include_system: keep the system's and the developer's turns among several.

    Raises:
        UsageError: there is no message, or one is malformed; it names ``messages[index]``.
    """
    chat = turns(messages)
    if len(messages) == 1 and not add_special_tokens:
        return chat[0].text
    return _written(chat, do_continue=do_continue, include_system=include_system)


def _written(
    chat: Sequence[Turn], *, do_continue: bool = False, include_system: bool = True
) -> str:
    lines = [
        f"{role.capitalize()}: {text}"
        for role, text in chat
        if include_system or role not in SYSTEM_ROLES
    ]
    return "\n".join(lines if do_continue else [*lines, "Assistant:"])


def render_prompt(messages: Messages, packing: str = "plain") -> str:
    """Write a chat as one prompt, ``plain`` as ``format_prompt`` or ``safe`` as ``pack``.

    Raises:
        UsageError: as ``format_prompt``, or there is no such packing.
    """
    return render_turns(turns(messages), packing, alone=len(messages) == 1)


def render_turns(chat: Sequence[Turn], packing: str = "plain", *, alone: bool) -> str:
    """Write turns as one prompt.

    Args:
        chat: what ``turns`` made of the messages.
        packing: ``plain`` or ``safe``.
        alone: whether there was one message, which stands by its bare text.

    Raises:
        UsageError: there is no such packing.
    """
    if packing == "safe":
        return _packed(chat)
    if packing != "plain":
        raise UsageError("packing must be 'plain' or 'safe'.")
    return chat[0].text if alone else _written(chat)


def pack(messages: Messages) -> str:
    """Write a chat so that no text in it can pass for another turn; ``unpack`` reads it back.

    A line with the role comes before each text, and every line of a text is quoted with ``> ``
    as in a mail, since language models have read more quoted mail than any other such notation.

    Raises:
        UsageError: as ``format_prompt``.
    """
    return _packed(turns(messages))


def unpack(prompt: str) -> tuple[Turn, ...]:
    """Read back exactly the turns that ``pack`` wrote.

    Raises:
        UsageError: the text was not written by ``pack``.
    """
    chat: list[tuple[str, list[str]]] = []
    for line in prompt.removeprefix(_EXPLAINED).splitlines(keepends=True):
        if not line.startswith(_QUOTE):
            chat.append((line, []))
        elif chat:
            chat[-1][1].append(line.removeprefix(_QUOTE))
    read = tuple(Turn(role[:-2], "".join(quoted)[:-1]) for role, quoted in chat[:-1])
    if _packed(read) != prompt:
        raise UsageError("The prompt is no packed chat; unpack takes what pack wrote.")
    return read


def last_text(messages: Messages) -> str:
    """Return the text of the last turn that has one, else an empty text.

    Raises:
        UsageError: as ``format_prompt``.
    """
    chat = turns(messages)
    return chat[-1].text if chat else ""


def turns(messages: Messages) -> tuple[Turn, ...]:
    """Reduce messages to their roles and texts; of several, the blank ones are dropped.

    A message that stands alone needs no role: it is the user's.

    Raises:
        UsageError: as ``format_prompt``.
    """
    _check(messages)
    if len(messages) == 1:
        return (_turn(messages[0], 0, default_role="user"),)
    chat = (_turn(message, index) for index, message in enumerate(messages))
    return tuple(turn for turn in chat if turn.text.strip())


def text_of(content: Any, *, where: str = "the message") -> str:
    """Return the text of one message's content; pictures and other parts have none.

    Args:
        content: text, None, a number, one part, or a list of parts as OpenAI's API has them.
        where: whose content it is, for the error.

    Raises:
        UsageError: a part is not a dict, a text part holds no text, or it is none of these.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, Number):
        return str(content)
    return "".join(_part_text(part, where) for part in _parts(content, where))


def pictures_in(messages: Messages) -> list[str]:
    """List the pictures in messages, oldest first, as they are given: data URIs or URLs.

    Raises:
        UsageError: a message is malformed, or a picture has no address.
    """
    _check(messages)
    pictures: list[str] = []
    for index, message in enumerate(messages):
        content = _content(message, index)
        if not isinstance(content, str):
            where = f"messages[{index}]"
            pictures += [
                _picture_address(part, where)
                for part in _rich_parts(content, where)
                if part.get("type") in PICTURE_PARTS
            ]
    return pictures


def _packed(chat: Sequence[Turn]) -> str:
    said = "".join(f"{role}:\n{_quoted(text)}\n" for role, text in chat)
    return f"{_EXPLAINED}{said}{_INVITATION}"


def _quoted(text: str) -> str:
    # The full stop gives every text a last line without a break, the empty text too.
    return _QUOTE.join(["", *f"{text}.".splitlines(keepends=True)])[:-1]


def _check(messages: Any) -> None:
    if not isinstance(messages, _LISTS) or isinstance(messages, _TEXTS):
        raise UsageError(
            'messages must be a list of messages, such as [{"role": "user", "content": "Hello"}].'
        )
    if not messages:
        raise UsageError("messages holds no message; messages[0] must be there to be sent.")


def _turn(message: Any, index: int, default_role: str | None = None) -> Turn:
    content = _content(message, index)
    role = message.get("role", default_role)
    if not isinstance(role, str) or role not in _ROLES:
        role = _unusual_role(role, index)
    if not isinstance(content, str):
        content = text_of(content, where=f"messages[{index}]")
    return Turn(role, content)


def _unusual_role(role: object, index: int) -> str:
    lowered = role.lower() if isinstance(role, str) else ""
    if not _ROLE.fullmatch(lowered):
        raise UsageError(f"messages[{index}] needs a role, such as 'user' or 'assistant'.")
    return lowered


def _content(message: Any, index: int) -> Any:
    if not isinstance(message, _DICTS):
        raise UsageError(f"messages[{index}] must be a dict with role and content.")
    content = message.get("content")
    if content is not None:
        return content
    # OpenAI's clients leave the content out where there are tool calls in its place.
    if "content" not in message and not message.get("tool_calls"):
        raise UsageError(f"messages[{index}] has no content; give it a text, which may be empty.")
    return None


def _parts(content: Any, where: str) -> Sequence[Mapping[str, Any]]:
    parts = [content] if isinstance(content, Mapping) else content
    if not isinstance(parts, list | tuple):
        raise UsageError(f"{where} has content that is neither a text nor a list of parts.")
    if not all(isinstance(part, Mapping) for part in parts):
        raise UsageError(
            f"{where} has a content part that is no dict; write a text as "
            '{"type": "text", "text": "..."}.'
        )
    return parts


def _rich_parts(content: Any, where: str) -> Sequence[Mapping[str, Any]]:
    return _parts(content, where) if isinstance(content, Mapping | list | tuple) else ()


def _part_text(part: Mapping[str, Any], where: str) -> str:
    kind = part.get("type")
    if kind not in TEXT_PARTS or (kind is None and "text" not in part):
        return ""
    text = part.get("text")
    if not isinstance(text, str):
        raise UsageError(f"{where} has a text part whose text is no text; give it a string.")
    return text


def _picture_address(part: Mapping[str, Any], where: str) -> str:
    address = part.get("image_url")
    if isinstance(address, Mapping):
        address = address.get("url")
    if not isinstance(address, str) or not address:
        raise UsageError(f"{where} has a picture without an image_url; give it a data URI.")
    return address
