"""Progress that says enough, and no word too many."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from aiodynaspark.cli.progress import opening
from aiodynaspark.model import Model
from aiodynaspark.provider import AsyncGeneratorProvider


class Fetched(AsyncGeneratorProvider):
    """Has to be fetched, which takes longer than anybody's patience."""

    @classmethod
    async def open(cls, **options: Any) -> None:
        options["progress"](50_000_000, 100_000_000)
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()


class Loaded(AsyncGeneratorProvider):
    """Takes its time without a word."""

    @classmethod
    async def open(cls, **options: Any) -> None:
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()


async def test_a_download_that_is_shown_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    await opening(Model(Fetched))
    assert capsys.readouterr().err == "fetching weights: 50 of 100 MB\n"


async def test_what_takes_its_time_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    await opening(Model(Loaded))
    assert capsys.readouterr().err == "opening loaded ...\n"
