from __future__ import annotations

import base64

import pytest

from aiodynaspark.errors import UnsupportedMedia, UsageError
from aiodynaspark.local import conversation

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
CHAT = [
    {"role": "developer", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    {"role": "assistant", "content": "Hello"},
    {"role": "tool", "content": "42"},
]


def test_roles_are_those_of_the_template() -> None:
    assert conversation.chat(CHAT, small=True) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "42"},
    ]


def test_the_small_model_alone_gets_a_system_prompt() -> None:
    question = [{"role": "user", "content": "Hi"}]
    assert conversation.chat(question, small=True) == [*conversation.opening(), *question]
    assert conversation.chat(question, small=False) == question


def test_a_chat_of_blank_turns_is_still_a_chat() -> None:
    blank = [{"role": "user", "content": " "}, {"role": "user", "content": ""}]
    assert conversation.chat(blank, small=False) == [{"role": "user", "content": ""}]


def test_a_malformed_chat_is_refused() -> None:
    with pytest.raises(UsageError):
        conversation.chat([], small=True)


def test_the_last_turn_gets_the_description() -> None:
    built = conversation.with_description(CHAT, "A picture.")
    assert built[-1]["content"] == "A picture.\n\n42"
    assert built[:-1] == conversation.chat(CHAT, small=False)[:-1]


def test_the_last_turn_gets_the_pictures() -> None:
    built = conversation.with_pictures(CHAT, [PNG])
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert built[-1]["content"] == [
        {"type": "image_url", "image_url": {"url": uri}},
        {"type": "text", "text": "42"},
    ]
    with pytest.raises(UnsupportedMedia):
        conversation.with_pictures(CHAT, [b"no picture"])
