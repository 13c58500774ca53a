"""Whether, and how long from now, a failed attempt is worth another one; decided purely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ResponseError, StreamError, TransportTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .errors import DynasparkError

LONGEST_WAIT = 60.0
"""A server that asks for more patience than this, in seconds, gets none."""

WAKING_WAIT = 1.0
"""The least wait before asking a host that may be waking up again, in seconds."""

WAKING_STATUSES = frozenset({502, 503, 504})


def wait_before_retry(
    failures: Sequence[DynasparkError], *, retries: int, left: float, jitter: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    Args:
        failures: what the attempts so far ended with, the latest last.
        retries: how many attempts after the first one are allowed.
        left: seconds until the deadline.
        jitter: a random number from 0 to 1.
    """
    error = failures[-1]
    if not error.retryable or len(failures) > retries or _had_its_chance(failures):
        return None
    asked_for = error.retry_after if isinstance(error, ResponseError) else None
    if asked_for is not None:
        wait = asked_for
    else:
        # Full jitter: the exponent is bounded by `retries`, the ceiling by 8 seconds.
        wait = jitter * min(8.0, 0.5 * 2.0 ** min(len(failures) - 1, 8))
        if may_be_waking(error):
            wait = max(wait, WAKING_WAIT)
    return wait if wait <= LONGEST_WAIT and wait < left else None


def _had_its_chance(failures: Sequence[DynasparkError]) -> bool:
    """A page of HTML or an empty body is asked about once more, not again and again."""
    odd = [f for f in failures if isinstance(f, StreamError) and f.retry_once]
    return failures[-1] in odd and len(odd) > 1


def may_be_waking(error: DynasparkError) -> bool:
    """Whether this is how a host answers that is just starting up."""
    if isinstance(error, ResponseError):
        return error.status in WAKING_STATUSES
    return isinstance(error, StreamError) and error.retry_once


def answered(error: DynasparkError) -> bool:
    """Whether this failure shows that the host is awake, whatever else is wrong."""
    return isinstance(error, ResponseError | StreamError) and not may_be_waking(error)


def cost_of_retry(error: DynasparkError) -> float:
    """What a retry after this error takes from the retry budget."""
    return 10.0 if isinstance(error, TransportTimeout) else 5.0
