"""Our provider for OpenAI's wire, against the libraries that speak it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .. import peers
from ..results import OURS, Goal
from .call import measure

if TYPE_CHECKING:
    from ..run import Run

OPENAI, LITELLM = "openai-python", "LiteLLM"
GOALS = {32: [Goal(6, 12, OPENAI)]}


def run(run: Run) -> None:
    with ExitStack() as stack:
        workers = {OURS: stack.enter_context(run.worker("openai_ours", sys.executable))}
        if python := run.wanted(OPENAI, lambda: peers.python_with("openai", "openai")):
            workers[OPENAI] = stack.enter_context(run.worker("openai_python", python))
        if python := run.wanted(LITELLM, lambda: peers.python_with("litellm", "litellm[proxy]")):
            workers[LITELLM] = stack.enter_context(run.worker("litellm_sdk", python))
        job = {"url": f"{run.upstream()}/whole/v1"}
        for flight in (1, 32):
            measure(run, workers, "openai", "whole answers", job, flight, GOALS.get(flight, ()))
