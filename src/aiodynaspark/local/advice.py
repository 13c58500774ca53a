"""The sentences that go beside the embedded model's answers (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import asking, checking, language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types import Facts

ENGLISH_ONLY = "This small model knows English only; its answer may make no sense."
NO_MATCH = "No line of the picture matches the question, so the answer may be a guess."
NO_REASONING = (
    "This small model looks things up and cannot compare or calculate; check the answer against "
    "the lines of the picture."
)
REAL_MODEL = (
    "For a real model set DYNASPARK_GGUF=/path/to/model.gguf (and DYNASPARK_MMPROJ for one that "
    "sees pictures), or ask a server that has one with --url."
)
DOES_NOT_SEE = (
    "This model was given the text read in the picture; set DYNASPARK_MMPROJ to one that sees it."
)


def on_language(question: str) -> list[str]:
    """Advise on a prompt that the small model cannot read."""
    return [] if language.is_english(question) else [ENGLISH_ONLY]


def on_answer(answer: str, pictures: Sequence[Facts], question: str) -> list[str]:
    """Advise on an answer that the facts of the pictures do not bear out."""
    wrong = checking.unsupported(answer, pictures, question)
    return [f"not in the picture: {', '.join(wrong)}"] if wrong else []


def on_lookup(pictures: Sequence[Facts], question: str) -> list[str]:
    """Advise on a question that the small model can hardly answer from the facts."""
    if asking.needs_reasoning(question):
        return [NO_REASONING]
    return [] if asking.has_match(question, pictures) else [NO_MATCH]
