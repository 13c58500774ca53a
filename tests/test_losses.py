"""What a wire could not carry: reported where somebody listens, an error where it must not be."""

from __future__ import annotations

import pytest
from upstream import answer, upstream

from aiodynaspark import Dynaspark, Loss, UsageError
from aiodynaspark._losses import dropped_pictures, ignored_options, merged_roles, report
from aiodynaspark.prompt import Turn

PNG = b"\x89PNG\r\n\x1a\n"
CHAT = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "hi"},
    {"role": "user", "content": "again"},
]


def test_each_kind_of_loss_is_one_sentence() -> None:
    losses = [
        *merged_roles([Turn("system", "a"), Turn("user", "b"), Turn("user", "c")]),
        *ignored_options(["temperature"]),
        *dropped_pictures(["b.png", None]),
    ]
    assert [(loss.kind, loss.name) for loss in losses] == [
        ("roles", "system"),
        ("roles", "user"),
        ("option", "temperature"),
        ("media", "b.png"),
        ("media", ""),
    ]
    assert all(str(loss) == loss.detail and loss.detail.endswith(".") for loss in losses)


def test_one_turn_alone_is_not_merged() -> None:
    assert merged_roles([Turn("user", "a")]) == []
    assert merged_roles([]) == []


def test_nothing_lost_is_nothing_told() -> None:
    told: list[list[Loss]] = []
    report([], told.append, strict=True)
    assert told == []


def test_strict_raises_before_anybody_is_told() -> None:
    told: list[list[Loss]] = []
    with pytest.raises(UsageError, match="temperature"):
        report(ignored_options(["temperature"]), told.append, strict=True)
    assert told == []


def test_without_a_listener_they_are_forgotten() -> None:
    report(ignored_options(["temperature"]), None, strict=False)


async def test_a_call_tells_all_of_it_at_once() -> None:
    told: list[list[Loss]] = []
    async with upstream(answer()) as server:
        await Dynaspark.create_async(
            "", CHAT, url=server.url, media=[PNG, (PNG, "two.png")], top_p=1, losses=told.append
        )
    assert [[loss.kind for loss in losses] for losses in told] == [
        ["roles", "roles", "roles", "media", "option"]
    ]


async def test_a_strict_call_sends_nothing() -> None:
    async with upstream(answer()) as server:
        for options in ({"messages": CHAT}, {"messages": CHAT[1:2], "top_p": 1}):
            with pytest.raises(UsageError):
                await Dynaspark.create_async("", url=server.url, strict=True, **options)
        assert server.seen == []
        await Dynaspark.create_async("", CHAT[1:2], url=server.url, strict=True)
