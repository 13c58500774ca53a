from __future__ import annotations

from aiodynaspark.local import advice, asking
from aiodynaspark.types import Facts

SIGN = Facts(
    "image/png",
    900,
    560,
    1,
    colours=("green", "white"),
    text=("CITY MUSEUM", "Closed on Monday", "Adults 12 EUR"),
    matches=(1,),
)
BARE = Facts("image/png", 9, 9, 1)


def asked(question: str, *pictures: Facts) -> str:
    return asking.chat_about(question, pictures)[-1]["content"]


def test_the_matching_lines_alone_are_given() -> None:
    assert asked("When is it closed?", SIGN) == (
        "Text: Closed on Monday\nQuestion: When is it closed?"
    )


def test_all_lines_are_given_where_none_matches_or_all_matter() -> None:
    lines = "Text: CITY MUSEUM; Closed on Monday; Adults 12 EUR\n"
    unmatched = Facts("image/png", 900, 560, 1, text=SIGN.text)
    assert asked("Who?", unmatched).startswith(lines)
    assert asked("What is the highest price?", SIGN).startswith(lines)


def test_colours_and_size_are_facts_too() -> None:
    assert "Colours: green, white" in asked("What colour is it?", SIGN)
    assert "900 pixels wide" in asked("How wide is it?", SIGN)


def test_the_beginning_is_fixed() -> None:
    beginning = asking.examples()
    assert asking.chat_about("When?", [SIGN])[: len(beginning)] == beginning
    assert [turn["role"] for turn in beginning[:3]] == ["system", "user", "assistant"]


def test_nothing_to_answer_from() -> None:
    assert not asking.can_answer("Who is it?", [BARE])
    assert asking.can_answer("How wide is it?", [BARE])


def test_advice() -> None:
    assert advice.on_lookup([SIGN], "When is it closed?") == []
    assert advice.on_lookup([BARE], "Who is it?") == [advice.NO_MATCH]
    assert advice.on_lookup([SIGN], "Which is the most expensive?") == [advice.NO_REASONING]
    assert advice.on_answer("It is 13 EUR.", [SIGN], "?") == ["not in the picture: 13 EUR"]
    assert advice.on_answer("It is 12 EUR.", [SIGN], "?") == []
    assert advice.on_language("Was ist das?") == [advice.ENGLISH_ONLY]
    assert advice.on_language("What is this?") == []
