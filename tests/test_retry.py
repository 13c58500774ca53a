"""Whether and when a failed attempt is made again: properties of the pure decision."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark._retry import (
    LONGEST_WAIT,
    WAKING_WAIT,
    answered,
    cost_of_retry,
    may_be_waking,
    wait_before_retry,
)
from aiodynaspark._retry_after import in_words, parse_retry_after
from aiodynaspark.errors import (
    ConnectError,
    DynasparkError,
    StreamError,
    TransportError,
    TransportTimeout,
    UsageError,
    error_for_status,
)

NOW = 1_800_000_000.0
RETRIED = {408, 425, 429, 500, 502, 503, 504, *range(520, 525), 529}

retry_afters = st.none() | st.floats(min_value=0, exclude_min=True, allow_nan=False)
failures = st.one_of(
    st.builds(
        lambda status, retry_after: error_for_status(status, retry_after=retry_after),
        st.integers(300, 599),
        retry_afters,
    ),
    st.builds(TransportError, st.just("x"), retryable=st.booleans()),
    st.builds(TransportTimeout, st.just("x")),
    st.builds(StreamError, st.just("x"), retryable=st.booleans(), retry_once=st.booleans()),
    st.builds(UsageError, st.just("x")),
)


@given(
    st.lists(failures, min_size=1, max_size=200),
    st.integers(0, 300),
    st.floats(-10, 1e6),
    st.floats(0, 1),
)
def test_a_wait_is_never_negative_nor_past_the_deadline_nor_too_long(
    errors: list[DynasparkError], retries: int, left: float, jitter: float
) -> None:
    wait = wait_before_retry(errors, retries=retries, left=left, jitter=jitter)
    if wait is not None:
        assert 0 <= wait < left
        assert wait <= LONGEST_WAIT
        assert len(errors) <= retries
        assert errors[-1].retryable


@given(st.integers(1, 300), st.floats(0, 1))
def test_back_off_is_full_jitter(attempt: int, jitter: float) -> None:
    errors = [ConnectError("x")] * attempt
    wait = wait_before_retry(errors, retries=attempt, left=math.inf, jitter=jitter)
    ceiling = min(8.0, 0.5 * 2.0 ** min(attempt - 1, 100))
    assert wait == pytest.approx(jitter * ceiling)
    assert 0 <= jitter * ceiling <= 8


@given(st.integers(300, 599))
def test_which_statuses_are_worth_it(status: int) -> None:
    assert error_for_status(status).retryable == (status in RETRIED)


def test_a_spent_quota_never_is() -> None:
    for error in (
        b'{"error": {"code": "insufficient_quota"}}',
        b'{"error": {"type": "insufficient_quota", "code": null}}',
        b'{"error": "insufficient_quota"}',
    ):
        assert not error_for_status(429, body=error, retry_after=1).retryable


@given(st.sampled_from([502, 503, 504]), st.floats(0, 1))
def test_a_host_that_may_be_waking_gets_a_second(status: int, jitter: float) -> None:
    error = error_for_status(status)
    assert may_be_waking(error)
    wait = wait_before_retry([error], retries=2, left=100, jitter=jitter)
    assert wait is not None
    assert wait >= WAKING_WAIT


@given(st.floats(0.001, 60))
def test_retry_after_is_obeyed_to_the_letter(seconds: float) -> None:
    error = error_for_status(503, retry_after=seconds)
    assert wait_before_retry([error], retries=1, left=100, jitter=1) == seconds
    assert wait_before_retry([error], retries=1, left=seconds, jitter=1) is None


def test_no_answer_at_all_is_asked_about_once_more() -> None:
    page = StreamError("x", retry_once=True)
    other = ConnectError("x")
    assert wait_before_retry([page], retries=9, left=100, jitter=0) == WAKING_WAIT
    assert wait_before_retry([page, other], retries=9, left=100, jitter=0) is not None
    assert wait_before_retry([page, other, page], retries=9, left=100, jitter=0) is None


def test_who_has_answered_is_awake() -> None:
    assert answered(error_for_status(404))
    assert answered(StreamError("x", retryable=True))
    assert not answered(error_for_status(503))
    assert not answered(StreamError("x", retry_once=True))
    assert not answered(ConnectError("x"))


def test_a_timeout_costs_twice() -> None:
    assert cost_of_retry(TransportTimeout("x")) == 2 * cost_of_retry(ConnectError("x")) == 10


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "5"}, 5),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "1" * 5000}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 99 Oct 2015 99:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 99999999999 07:28:00 GMT"}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9),
        ({"retry-after-ms": "-3", "retry-after": "9"}, 9),
    ],
)
def test_retry_after_in_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_retry_after(headers, NOW) == seconds


@given(st.integers(1, 10_000_000))
def test_retry_after_as_a_date(seconds: int) -> None:
    moment = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)
    date = format_datetime(moment, usegmt=True)
    assert parse_retry_after({"retry-after": date}, NOW) == seconds
    nameless = date.removesuffix(" GMT")
    assert parse_retry_after({"retry-after": nameless}, NOW) == seconds, "no zone means GMT"


def test_the_year_2099_fails_now_and_says_so() -> None:
    wait = parse_retry_after({"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT"}, NOW)
    assert wait is not None
    error = error_for_status(503, retry_after=wait)
    assert wait_before_retry([error], retries=2, left=math.inf, jitter=0) is None
    assert error.retry_after == wait > 1e9


@given(st.text() | st.from_regex(r"[0-9a-zA-Z,:+ -]{0,40}", fullmatch=True))
def test_whatever_a_header_holds_comes_to_finite_seconds_or_none(value: str) -> None:
    for name in ("retry-after", "retry-after-ms"):
        seconds = parse_retry_after({name: value}, NOW)
        assert seconds is None or (0 < seconds < math.inf)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 s"),
        (119, "119 s"),
        (120, "2 minutes"),
        (7_199, "120 minutes"),
        (7_201, "3 hours"),
        (2 * 86_400, "2 days"),
        (2.2e9, "more than a year"),
        (math.inf, "more than a year"),
    ],
)
def test_a_wait_is_said_as_a_person_counts_it(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
