"""The prompt that puts a question and what was read in the pictures to the model (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Facts

_SYSTEM = (
    "You answer a question with the text that was read in a picture. Answer in one short sentence."
)
_SHOTS = (
    ("Closed on Sunday", "Is it open on Sunday?", "No, it is closed on Sunday."),
    (
        "Open from Friday to Saturday",
        "Which days is it open?",
        "It is open from Friday to Saturday.",
    ),
    ("Total due 130 USD", "What is the total?", "The total is 130 USD."),
    ("Delivery: 7 June 2031", "When is it delivered?", "It is delivered on 7 June 2031."),
    ("4 lamps 60 USD", "How many lamps?", "There are 4 lamps."),
    ("1 drill 35 USD", "How much is the drill?", "The drill costs 35 USD."),
    ("Pears 31", "How many pears?", "There are 31 pears."),
    ("6 tins of paint 24 USD", "How many tins of paint?", "There are 6 tins of paint."),
    ("6 tins of paint 24 USD", "How much does the paint cost?", "The paint costs 24 USD."),
    ("Author: Jane Smith", "Who is the author?", "The author is Jane Smith."),
)
_COLOUR = re.compile(r"\bcolou?r", re.IGNORECASE)
_SIZE = re.compile(
    r"\b(how (wide|high|tall|big|large)|width|height|size|pixels?|resolution|orientation"
    r"|landscape|portrait|square)\b",
    re.IGNORECASE,
)
_TO_REASON = re.compile(
    r"\b(most|least|more|less|fewer|fewest|largest|smallest|biggest|highest|lowest|cheapest"
    r"|cheaper|longest|shortest|best|worst|compare|difference|average|mean|percent|percentage"
    r"|altogether|together|sum of|add|plus|minus|twice|half|ratio|why|should)\b|%",
    re.IGNORECASE,
)


def chat_about(question: str, pictures: Sequence[Facts]) -> list[dict[str, str]]:
    """Build the chat: examples first, then the lines that matter and the question.

    The matching lines alone are given where there are any: the fewer lines this small model
    has before it, the less it mixes them up.
    """
    chat = [{"role": "system", "content": _SYSTEM}]
    for shown, asked, answer in _SHOTS:
        chat += [_turn(shown, asked), {"role": "assistant", "content": answer}]
    return [*chat, _turn("; ".join(_lines(question, pictures)), question)]


def examples() -> list[dict[str, str]]:
    """The chat's fixed beginning, which an engine can evaluate ahead."""
    return chat_about("", ())[:-1]


def needs_reasoning(question: str) -> bool:
    """Tell whether a question asks to compare, calculate or judge rather than to look up."""
    return _TO_REASON.search(question) is not None


def can_answer(question: str, pictures: Sequence[Facts]) -> bool:
    """Tell whether the facts hold anything at all to answer from."""
    return bool(_lines(question, pictures))


def has_match(question: str, pictures: Sequence[Facts]) -> bool:
    """Tell whether something in the pictures' facts matches the question."""
    return any(facts.matches for facts in pictures) or bool(_seen(question, pictures))


def _turn(shown: str, asked: str) -> dict[str, str]:
    return {"role": "user", "content": f"Text: {shown}\nQuestion: {asked}"}


def _lines(question: str, pictures: Sequence[Facts]) -> list[str]:
    matched = [facts.text[index] for facts in pictures for index in facts.matches]
    seen = _seen(question, pictures)
    if needs_reasoning(question) or not (matched or seen):
        return seen + [line for facts in pictures for line in facts.text]
    return seen + matched


def _seen(question: str, pictures: Sequence[Facts]) -> list[str]:
    """Facts beside the text that a question may be about."""
    lines = []
    for facts in pictures:
        if _COLOUR.search(question) and facts.colours:
            lines.append(f"Colours: {', '.join(facts.colours)}")
        if _SIZE.search(question):
            lines.append(
                f"Picture: {facts.width} pixels wide, {facts.height} pixels high, "
                f"{facts.orientation}"
            )
    return lines
