from __future__ import annotations

import pytest

from aiodynaspark.local.language import is_english


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42 + 17 = ?",
        "What is the total?",
        "hi",
        "Translate 'guten Morgen' into English",
        "Paris or Rome",
        "list three fruits",
        "Who was Che Guevara?",
        "Describe it",
        "total",
        "def f(x): return x",
    ],
)
def test_english(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Какая столица Франции?",
        "Привет",
        "你好，世界",
        "東京はどこですか",
        "ما هي العاصمة",
        "Was ist die Hauptstadt von Frankreich?",
        "Wie viel kostet das?",
        "Quelle est la capitale de la France ?",
        "¿Cuál es la capital de Francia?",
        "Qual è la capitale della Francia?",
        "Qual é a capital da França?",
        "Wat is de hoofdstad van Frankrijk?",
        "Bonjour",
        "Explain это слово подробно",
    ],
)
def test_other_languages(text: str) -> None:
    assert not is_english(text)
