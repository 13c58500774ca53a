"""What a picture shows, in sentences made of its facts alone (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Facts

_THING = r"(?:this|that|it|these|those|here|there|(?:the|this|that|my|these|attached)\s+)"
_NOUN = r"(?:image|photo|photograph|picture|pic|screenshot|file|pictures|images|photos)"
_WHAT_IT_IS = re.compile(
    rf"""
    describe(\s+(it|this|that|them|these))?(\s+({_THING})?\s*{_NOUN})?(\s+(to|for)\s+me)?
    (\s+(briefly|shortly|in\s+(detail|short|a\s+few\s+words)))?
    | what(\s+is|'s|s)\s+(this|that|it|here)(\s+{_NOUN})?
    | what(\s+is|'s|s)\s+(in|on)\s+({_THING})\s*({_NOUN})?
    | what\s+are\s+(these|those)(\s+{_NOUN})?
    | what\s+(do|can)\s+you\s+see(\s+(in|on)\s+({_THING})\s*({_NOUN})?|\s+here)?
    | what\s+does\s+({_THING})\s*({_NOUN}|sign)?\s*(show|say|contain|depict)
    | what(\s+is|'s|s)\s+(this|that|it|the|this\s+\w+|the\s+\w+)\s+about
    | (what\s+kind\s+of|which)\s+{_NOUN}\s+is\s+(this|that|it)
    | (caption|summari[sz]e|explain)\s+({_THING})\s*({_NOUN})?
    | read\s+({_THING}|the\s+text)\s*({_NOUN})?
    | (a\s+)?description(\s+of\s+({_THING})\s*({_NOUN})?)?
    """,
    re.VERBOSE,
)
_POLITE = re.compile(
    r"^(please|hi|hello|hey|ok|so|now|can you|could you|would you)\b[\s,]*|[\s,]*\bplease$"
)
_KINDS = {
    "image/jpeg": "a JPEG picture",
    "image/png": "a PNG picture",
    "image/gif": "a GIF picture",
    "image/webp": "a WebP picture",
}


def asks_what_it_is(question: str) -> bool:
    """Tell whether a question wants the picture described, and nothing more; silence does."""
    asked = " ".join(re.sub(r"[^\w\s']", " ", question.lower()).split())
    while (bare := _POLITE.sub("", asked)) != asked:
        asked = bare
    return not asked or _WHAT_IT_IS.fullmatch(asked) is not None


def describe(pictures: Sequence[Facts]) -> str:
    """Describe pictures by their facts, one paragraph each."""
    if len(pictures) == 1:
        return _paragraph(f"This is {_kind(pictures[0])}", pictures[0])
    return "\n\n".join(
        _paragraph(f"Picture {number} is {_kind(facts)}", facts)
        for number, facts in enumerate(pictures, 1)
    )


def _kind(facts: Facts) -> str:
    return _KINDS.get(facts.content_type, "a picture")


def _paragraph(opening: str, facts: Facts) -> str:
    text = f"{opening} of {facts.width} x {facts.height} pixels ({facts.orientation})."
    if facts.colours:
        text += f" Its main {_plural('colour', facts.colours)} {_list(facts.colours)}."
    if facts.text:
        text += " The text in it reads:\n" + "\n".join(facts.text)
    return text


def _plural(noun: str, of: Sequence[str]) -> str:
    return f"{noun} is" if len(of) == 1 else f"{noun}s are"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
