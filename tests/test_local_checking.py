from __future__ import annotations

import pytest

from aiodynaspark.local.checking import unsupported
from aiodynaspark.types import Facts

INVOICE = Facts(
    "image/png",
    720,
    860,
    43_659,
    colours=("white", "blue"),
    text=(
        "INVOICE 2026",
        "Invoice number: 1,047",
        "Customer: Maria Keller",
        "2 hammers 18 EUR",
        "1 saw 15 EUR",
        "Due date: 15 Mar 2026",
        "Hours: 10:00 - 18:00",
        "Tax 3.00 %",
    ),
)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The saw costs 15 EUR.", ()),
        ("There are two hammers.", ()),
        ("There are 2 hammers.", ()),
        ("The customer is Maria Keller.", ()),
        ("Maria Keller's number is 1047.", ()),
        ("It is due on 15 March 2026.", ()),
        ("Open from 10:00 to 18:00.", ()),
        ("It is 720 pixels wide.", ()),
        ("The tax is 3 %.", ()),
        ("", ()),
        ("The total is 108 EUR.", ("108 EUR",)),
        ("The saw costs 1 EUR.", ("1 EUR",)),
        ("There are 15 saws.", ("15 saws",)),
        ("There are five hammers.", ("five",)),
        ("It is due on 18 March 2026.", ("18 March",)),
        ("It is due on 15 April 2027.", ("April", "2027")),
        ("Wednesday, maybe.", ("Wednesday",)),
        ("It was written by Jane Smith.", ("Jane", "Smith")),
        ("Open 10:00 AM.", ("AM",)),
    ],
)
def test_what_the_facts_do_not_hold(answer: str, expected: tuple[str, ...]) -> None:
    assert unsupported(answer, [INVOICE]) == expected


def test_the_question_is_not_held_against_the_answer() -> None:
    assert unsupported("No, it is not 99, Bob.", [INVOICE], "Is it 99, as Bob says?") == ()


def test_a_number_at_the_end_of_a_line_stands_before_nothing() -> None:
    chart = Facts("image/png", 9, 9, 9, text=("Apples 120", "Cherries 40", "Grapes 64"))
    assert unsupported("There are 40 cherries and 64 grapes.", [chart]) == ()
    assert unsupported("There are 41 cherries.", [chart]) == ("41",)


def test_a_month_may_be_a_verb() -> None:
    assert unsupported("You may pay it.", [INVOICE]) == ()
