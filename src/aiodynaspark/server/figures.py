"""What a server counts about its answers, by names of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .prometheus import Histogram, render_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .prometheus import Labels

DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKENS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)


class Figures:
    """Histograms of what the models of one server took, in seconds."""

    def __init__(self) -> None:
        self._duration = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            DURATIONS,
        )
        self._first_token = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "Time from a request's head to the first piece of a streamed answer.",
            FIRST_TOKENS,
        )

    def answered(self, model: str, *, status: int, seconds: float) -> None:
        """Count an answer; the model's name is one of the catalog's, which bounds the labels."""
        self._duration.observe(seconds, _labels(model, status if status >= 400 else None))

    def began(self, model: str, *, seconds: float) -> None:
        """Count the first piece of a streamed answer."""
        self._first_token.observe(seconds, _labels(model))

    def render(self, *, in_flight: int, retries: int, budget_left: float) -> Iterable[str]:
        """All lines, with what others count."""
        yield from self._duration.render()
        yield from self._first_token.render()
        yield from render_number(
            "dynaspark_requests_in_flight", "Requests being answered.", "gauge", in_flight
        )
        yield from render_number(
            "dynaspark_upstream_retries_total",
            "Attempts at upstream servers after the first one.",
            "counter",
            retries,
        )
        yield from render_number(
            "dynaspark_retry_budget_left",
            "What is left of the smallest retry budget of an upstream server, of 100.",
            "gauge",
            budget_left,
        )


@lru_cache(maxsize=256)
def _labels(model: str, failed_with: int | None = None) -> Labels:
    labels = (("gen_ai_operation_name", "chat"), ("gen_ai_request_model", model))
    return labels if failed_with is None else (*labels, ("error_type", str(failed_with)))
