"""Twenty questions about the three example pictures, asked of the real model (long).

What is wrong has to be flagged. As a script it prints the table:
``python tests/test_local_questions.py``.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from pathlib import Path

import pytest

from aiodynaspark.local import advice
from aiodynaspark.providers.local import Local
from aiodynaspark.types import Notice

EXAMPLES = Path(__file__).parent.parent / "examples"
QUESTIONS = (
    ("invoice", "What is the total?", r"42 EUR"),
    ("invoice", "When is it due?", r"15 March 2026"),
    ("invoice", "How many hammers?", r"\b(2|two) hammers|is 2\b"),
    ("invoice", "How much does the saw cost?", r"15 EUR"),
    ("invoice", "How many boxes of nails?", r"\b(3|three)\b"),
    ("invoice", "Who is the customer?", r"Maria Keller"),
    ("invoice", "What is the invoice number?", r"1047"),
    ("invoice", "How can I pay?", r"bank transfer"),
    ("invoice", "What is the phone number?", r"\bnot?\b"),
    ("invoice", "What is this?", r"^This is a PNG .*TOTAL 42 EUR"),
    ("sign", "When is the museum closed?", r"Monday"),
    ("sign", "What are the opening hours?", r"10:00.*18:00"),
    ("sign", "How much is a ticket for children?", r"\b5 EUR"),
    ("sign", "Is it open on Monday?", r"\b(not|closed|No)\b"),
    ("sign", "What colour is the sign?", r"green"),
    ("sign", "Describe this picture", r"^This is a PNG .*Children 5 EUR"),
    ("chart", "How many kilograms of apples were sold?", r"\b120\b"),
    ("chart", "How many cherries?", r"\b40\b"),
    ("chart", "What is the chart about?", r"Fruit sold in May"),
    ("chart", "Which fruit sold most?", r"Apples"),
)


async def ask(picture: str, question: str) -> tuple[str, list[str]]:
    """The answer, and what was flagged."""
    messages = [{"role": "user", "content": question}]
    media = [EXAMPLES / f"{picture}.png"]
    answer, flags = "", []
    async with aclosing(Local.create_async_generator("", messages, media=media)) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, str):
                answer += chunk
            elif isinstance(chunk, Notice) and chunk.text != advice.REAL_MODEL:
                flags.append(chunk.text)
    return answer, flags


@pytest.mark.long
async def test_most_answers_are_right_and_wrong_ones_are_flagged() -> None:
    wrong = []
    for picture, question, right in QUESTIONS:
        answer, flags = await ask(picture, question)
        if not re.search(right, answer, re.DOTALL):
            wrong.append(question)
            assert flags, (question, answer)
    assert len(wrong) <= 4, wrong


async def _table() -> None:
    print("| picture | question | answer | right | flagged |\n|---|---|---|---|---|")
    for picture, question, right in QUESTIONS:
        answer, flags = await ask(picture, question)
        is_right = "yes" if re.search(right, answer, re.DOTALL) else "no"
        shown = " / ".join(answer.splitlines())
        print(f"| {picture} | {question} | {shown} | {is_right} | {'; '.join(flags)} |")


if __name__ == "__main__":
    asyncio.run(_table())
