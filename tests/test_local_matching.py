from __future__ import annotations

import pytest

from aiodynaspark.local.matching import matching_lines, stem

INVOICE = (
    "INVOICE 2026",
    "Nordwind Tools Ltd.",
    "Invoice number: 1047",
    "Customer: Maria Keller",
    "2 hammers 18 EUR",
    "1 saw 15 EUR",
    "3 boxes of nails 9 EUR",
    "TOTAL 42 EUR",
    "Due date: 15 March 2026",
    "Please pay by bank transfer.",
)
SIGN = (
    "CITY MUSEUM",
    "Open: Tuesday to Sunday",
    "Hours: 10:00 - 18:00",
    "Closed on Monday",
    "Adults 12 EUR",
    "Children 5 EUR",
)
CHART = ("Fruit sold in May, in kilograms", "Apples 120", "Cherries 40")


@pytest.mark.parametrize(
    ("question", "lines", "expected"),
    [
        ("What is the total?", INVOICE, (7,)),
        ("How much do I have to pay?", INVOICE, (7,)),
        ("What is the sum?", INVOICE, (7,)),
        ("When is it due?", INVOICE, (8,)),
        ("What is the deadline?", INVOICE, (8,)),
        ("How many hammers?", INVOICE, (4,)),
        ("How much does the saw cost?", INVOICE, (5,)),
        ("How many boxes of nails?", INVOICE, (6,)),
        ("Who is the customer?", INVOICE, (3,)),
        ("What is the invoice number?", INVOICE, (2,)),
        ("What is the name of the company?", INVOICE, (1,)),
        ("What is the phone number?", INVOICE, ()),
        ("How do I pay?", INVOICE, (7, 8, 9)),
        ("When is the museum closed?", SIGN, (3,)),
        ("What are the opening hours?", SIGN, (1, 2)),
        ("How much is a ticket for a child?", SIGN, (5,)),
        ("Is it open on Monday?", SIGN, (1, 3)),
        ("How many kilograms of apples were sold?", CHART, (1,)),
        ("How many cherries?", CHART, (2,)),
        ("", CHART, ()),
        ("?!", CHART, ()),
        ("What is the total?", (), ()),
    ],
)
def test_lines_that_match(question: str, lines: tuple[str, ...], expected: tuple[int, ...]) -> None:
    assert matching_lines(question, lines) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [("hammers", "hammer"), ("boxes", "box"), ("cherries", "cherry"), ("glass", "glass"),
     ("is", "is"), ("prices", "price")],
)  # fmt: skip
def test_stem(word: str, expected: str) -> None:
    assert stem(word) == expected
