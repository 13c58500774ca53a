from __future__ import annotations

import pytest

from aiodynaspark.local.description import asks_what_it_is, describe
from aiodynaspark.types import Facts


@pytest.mark.parametrize(
    "question",
    [
        "",
        "  ",
        "Describe",
        "Describe this picture.",
        "describe the image in detail",
        "Please describe it",
        "Can you describe this for me?",
        "What is this?",
        "What's this?",
        "what is it",
        "What is in this picture?",
        "What's in the image?",
        "What do you see?",
        "What can you see in this photo, please?",
        "What does the picture show?",
        "What does the sign say?",
        "Summarize this image",
        "Read the text",
        "What is the chart about?",
        "What is this about?",
        "A description of this picture",
    ],
)
def test_these_want_the_description(question: str) -> None:
    assert asks_what_it_is(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the total?",
        "What is this invoice's number?",
        "Describe the customer's debts",
        "What is it due?",
        "Who wrote this?",
        "What do you see in the second line?",
        "Что это?",
    ],
)
def test_these_want_an_answer(question: str) -> None:
    assert not asks_what_it_is(question)


def test_one_picture() -> None:
    facts = Facts("image/png", 720, 860, 1, colours=("white", "blue"), text=("INVOICE", "TOTAL 42"))
    assert describe([facts]) == (
        "This is a PNG picture of 720 x 860 pixels (portrait). Its main colours are white and "
        "blue. The text in it reads:\nINVOICE\nTOTAL 42"
    )


def test_two_pictures_and_little_known() -> None:
    one = Facts("image/jpeg", 2, 1, 1, colours=("red",))
    two = Facts("image/webp", 3, 3, 1, colours=("red", "green", "blue"))
    assert describe([one, two]) == (
        "Picture 1 is a JPEG picture of 2 x 1 pixels (landscape). Its main colour is red.\n\n"
        "Picture 2 is a WebP picture of 3 x 3 pixels (square). Its main colours are red, green "
        "and blue."
    )
