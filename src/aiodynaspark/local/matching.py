"""Which lines of a picture a question is about (pure)."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")
_STOP = frozenset(
    """a an and any are as at be by can could did do does find for from give had has have how i if
    in is it its many me much my of on one or our please read say says see should show tell than
    that the their there these they this those to was we were what when where which who whom whose
    why will with would you your""".split()  # noqa: SIM905 - a list of words reads best as words
)
_OF_ANY_PICTURE = frozenset(
    """bill chart date day diagram document image invoice letter line name number page photo
    picture poster price receipt screenshot sign table text ticket time year""".split()  # noqa: SIM905
)
"""Words that pick a line only where nothing better does: they fit every line, or none."""

_ALSO = {
    "amount": ("total", "sum"),
    "buyer": ("customer", "client"),
    "client": ("customer",),
    "closed": ("close", "closes"),
    "company": ("ltd", "inc", "gmbh", "llc", "corp"),
    "cost": ("price",),
    "deadline": ("due",),
    "mail": ("email",),
    "open": ("opening", "opens"),
    "opening": ("open", "opens", "hours"),
    "owe": ("total", "due"),
    "pay": ("total", "due", "payment"),
    "phone": ("tel", "telephone", "mobile"),
    "sum": ("total", "amount"),
    "tax": ("vat",),
    "telephone": ("tel", "phone"),
}
_MONEY = re.compile(
    r"[$€£¥₽]|\b(eur|euros?|usd|dollars?|gbp|pounds?|chf|rub|jpy|yen|cents?)\b", re.IGNORECASE
)
_DATE = re.compile(
    r"\b(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?s?\b|\b\d{1,2}[:h]\d\d\b"
    r"|\b(jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\b"
    r"|\b\d{1,4}[./-]\d{1,2}([./-]\d{1,4})?\b|\b\d{1,2} ?[ap]m\b",
    re.IGNORECASE,
)
_KINDS = (
    (re.compile(r"\bhow much\b|\b(price|cost|fee)s?\b", re.IGNORECASE), _MONEY),
    (re.compile(r"\bhow many\b|\bnumber of\b", re.IGNORECASE), re.compile(r"\d")),
    (
        re.compile(r"\bwhen\b|\b(deadline|dates?|days?|hours?|times?)\b", re.IGNORECASE),
        _DATE,
    ),
)


def matching_lines(question: str, lines: tuple[str, ...]) -> tuple[int, ...]:
    """Tell which lines a question is about, by its words and the kind of answer it wants.

    Returns:
        Indices into ``lines``, ascending; none where no line has a telling word of the question.
    """
    asked = [word for word in words(question) if word not in _STOP]
    telling = [word for word in asked if stem(word) not in _OF_ANY_PICTURE]
    hits = _hits(telling, lines) if telling else _best(asked, lines)
    for wanted, kind in _KINDS:
        if wanted.search(question):
            fitting = [index for index in hits if kind.search(lines[index])]
            return tuple(fitting or hits)
    return tuple(hits)


def words(text: str) -> list[str]:
    """The words and numbers of a text, in lower case."""
    return _WORD.findall(text.lower())


def stem(word: str) -> str:
    """A word without its plural's ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("es") and word[-3] in "shxz":
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _hits(asked: list[str], lines: tuple[str, ...]) -> list[int]:
    return [index for index, line in enumerate(lines) if _count(asked, line)]


def _best(asked: list[str], lines: tuple[str, ...]) -> list[int]:
    counts = [_count(asked, line) for line in lines]
    most = max(counts, default=0)
    return [index for index, count in enumerate(counts) if count == most > 0]


def _count(asked: list[str], line: str) -> int:
    there = words(line)
    return sum(any(_same(word, other) for other in there) for word in set(asked))


def _same(asked: str, there: str) -> bool:
    """Whether two words mean the same: but for their endings, or as the table says."""
    if there in _ALSO.get(stem(asked), ()):
        return True
    asked, there = stem(asked), stem(there)
    short, long = sorted((asked, there), key=len)
    return short == long or (
        len(short) >= 4
        and len(long) - len(short) <= 3
        and short in long[:-1]
        and long.startswith(short)
    )
