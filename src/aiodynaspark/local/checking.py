"""What an answer claims that the pictures do not show (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .matching import stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Facts

_NUMBER = r"\d+(?:[.,:/-]\d+)*"
_TOKEN = re.compile(rf"{_NUMBER}|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PAIR = re.compile(rf"({_NUMBER})(?:st|nd|rd|th)? +(?:of +)?([^\W\d_]+)")
_NUMERALS = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"), 2
    )
} | {"twelve": "12", "twenty": "20", "hundred": "100", "thousand": "1000"}
_CALENDAR = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may
    june july august september october november december""".split()  # noqa: SIM905
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n]\s*|[\"“(]\s*)$")


def unsupported(answer: str, pictures: Sequence[Facts], question: str = "") -> tuple[str, ...]:
    """List the numbers, dates and names of an answer that the facts do not hold.

    A number counts as held where it stands in the facts before the same word (``18 EUR``), if
    it stands before that word's kin at all; a name is a capitalised word inside a sentence.
    What the question itself says is not held against the answer.
    """
    known = "\n".join([*_known(pictures), question])
    found = {**_lone(answer, known), **_paired(answer, known)}
    return tuple(found[position] for position in sorted(found))


def _known(pictures: Sequence[Facts]) -> list[str]:
    return [
        line
        for facts in pictures
        for line in (*facts.text, f"{facts.width} {facts.height} {facts.size}", *facts.colours)
    ]


def _lone(answer: str, known: str) -> dict[int, str]:
    there = {_normal(token) for token in _TOKEN.findall(known)}
    claims = {}
    for match in _TOKEN.finditer(answer):
        if _normal(match[0]) not in there and _is_claim(match, answer):
            claims[match.start()] = match[0]
    return claims


def _is_claim(match: re.Match[str], answer: str) -> bool:
    """Whether a word has to be in the facts: a number, a part of a date, a name."""
    token = match[0]
    if token[0].isdigit() or token.lower() in _NUMERALS:
        return True
    if not token[0].isupper() or token == "I":
        return False
    return stem(token.lower()) in _CALENDAR or not _SENTENCE_START.search(answer[: match.start()])


def _paired(answer: str, known: str) -> dict[int, str]:
    """Numbers that the facts hold, but before another word."""
    pairs = {(_normal(number), _stemmed(word)) for number, word in _PAIR.findall(known)}
    kin = {word for _, word in pairs}
    return {
        match.start(): f"{match[1]} {match[2]}"
        for match in _PAIR.finditer(answer)
        if _stemmed(match[2]) in kin and (_normal(match[1]), _stemmed(match[2])) not in pairs
    }


def _stemmed(word: str) -> str:
    """One spelling of a word: lower case, singular, the short form of a month or a weekday."""
    word = stem(word.lower())
    return word[:3] if word in _CALENDAR else word


def _normal(token: str) -> str:
    """One spelling of a word or a number: digits, no group commas, no empty decimals."""
    token = token.lower().removesuffix("'s").removesuffix("’s")
    if not token[0].isdigit():
        return _NUMERALS.get(token) or _stemmed(token)
    token = re.sub(r",(?=\d{3}(?:\D|$))", "", token)
    return re.sub(r"[.,]0+$", "", token).lstrip("0") or "0"
