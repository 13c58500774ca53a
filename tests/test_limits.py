"""The retry budget and the learnt limits: properties, with the time passed in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark._limits import LONGEST_BLOCK, LearntLimit, RetryBudget, parse_reset

EPOCH = 1_800_000_000.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30))))
def test_a_budget_stays_between_nothing_and_its_capacity(steps: list[tuple[bool, float]]) -> None:
    budget = RetryBudget()
    for taking, amount in steps:
        before = budget.left
        if taking:
            taken = budget.take(amount)
            assert taken == (amount <= before)
            assert budget.left == (before - amount if taken else before)
        else:
            budget.give_back(amount)
        assert 0 <= budget.left <= budget.capacity


def test_a_full_budget_pays_for_twenty_retries() -> None:
    budget = RetryBudget()
    assert [budget.take(5) for _ in range(21)] == [True] * 20 + [False]
    budget.give_back(5)
    assert budget.take(5)


texts = st.text(max_size=40) | st.sampled_from(
    ["nan", "inf", "-1", "1e999", "0", "1m30s", "9" * 400, "1h", "250ms", "²", "1_000"]
)


@given(
    st.dictionaries(st.sampled_from(["x-ratelimit-remaining", "x-ratelimit-reset"]), texts),
    st.none() | st.floats(),
    st.floats(0, 1e9),
)
def test_whatever_a_host_says_the_wait_is_bounded(
    headers: dict[str, str], retry_after: float | None, now: float
) -> None:
    limit = LearntLimit()
    limit.learn(headers, retry_after=retry_after, now=now, epoch=EPOCH)
    assert 0 <= limit.wait(now) <= LONGEST_BLOCK * (1 + 1e-6)
    assert limit.wait(now + LONGEST_BLOCK + 1) == 0


@given(st.lists(st.floats(0, 60, exclude_min=True), min_size=1), st.floats(0, 1e6))
def test_the_longest_wait_of_several_counts(waits: list[float], now: float) -> None:
    limit = LearntLimit()
    for wait in waits:
        limit.learn({}, retry_after=wait, now=now, epoch=EPOCH)
    assert limit.wait(now) == pytest.approx(max(waits), abs=1e-9)  # what a clock of 1e6 s tells


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-remaining": " 0 ", "x-ratelimit-reset": str(EPOCH + 12)}, 12),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 12)}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH * 1000)}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1m30s"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30s"}, 30),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "12"}, 0),
        ({"x-ratelimit-reset": "12"}, 0),
    ],
)
def test_what_is_learnt_of_the_headers(headers: dict[str, str], wait: float) -> None:
    limit = LearntLimit()
    limit.learn(headers, retry_after=None, now=5, epoch=EPOCH)
    assert limit.wait(5) == wait


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h2m3s4ms", 3723.004),
        ("6m0s", 360),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("7", 7),
        ("7.5", 7.5),
        ("", None),
        (None, None),
        ("tomorrow", None),
        ("-7", None),
        ("1s1h", None),
    ],
)
def test_resets_in_their_forms(text: str | None, seconds: float | None) -> None:
    assert parse_reset(text, EPOCH) == seconds


@given(texts)
def test_a_reset_is_a_finite_number_or_none(text: str) -> None:
    seconds = parse_reset(text, EPOCH)
    assert seconds is None or math.isfinite(seconds)
