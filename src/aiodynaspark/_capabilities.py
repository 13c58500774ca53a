"""Whether a provider can do what an ask demands; decided before anything is sent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .prompt import pictures_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .provider import AsyncGeneratorProvider
    from .types import MediaListType, Messages

TOOL_FIELDS = ("tools", "tool_choice", "functions", "function_call")
SHAPING_FIELDS = ("response_format", "n", "logprobs", "top_logprobs", "stop")
"""What changes the answer itself, so that ignoring it would give a wrong one."""

_CHECKED = frozenset((*TOOL_FIELDS, *SHAPING_FIELDS))

_AS_EVER: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "tool_choice": ("none", "auto"),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
}


def check(
    provider: type[AsyncGeneratorProvider],
    messages: Messages,
    media: MediaListType | None,
    options: Mapping[str, Any],
) -> None:
    """Refuse what a provider cannot do and must not leave out in silence.

    Raises:
        UsageError: with ``param``, the field that asks for too much; or a message is malformed.
    """
    if not provider.supports_media and (media or pictures_in(messages)):
        raise UsageError(
            f"{provider.__name__} takes no pictures; ask one that does, such as local.",
            param="messages",
        )
    if _CHECKED.isdisjoint(options):
        return
    for name in (*TOOL_FIELDS, *SHAPING_FIELDS):
        if name in options and _demands(name, options[name]) and not _can(provider, name):
            raise UsageError(
                f"{provider.__name__} cannot do what the field {name} asks for; "
                "leave it out, or ask a model that can.",
                param=name,
            )


def _demands(name: str, value: Any) -> bool:
    return bool(value) and value not in _AS_EVER.get(name, ())


def _can(provider: type[AsyncGeneratorProvider], name: str) -> bool:
    if name in TOOL_FIELDS:
        return provider.supports_tools
    return name in provider.supported_fields
