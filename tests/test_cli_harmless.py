"""Nothing that an answer holds reaches the terminal as a command, however it is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark.cli.harmless import LONGEST, Harmless


def clean(*pieces: str) -> str:
    harmless = Harmless()
    return "".join(map(harmless.feed, pieces))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain\n\ttext é 漢字", "plain\n\ttext é 漢字"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b]0;title\x07kept", "kept"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$qm\x1b\\dcs", "dcs"),
        ("\x9b31mc1 \x9d0;x\x9cosc", "c1 osc"),
        ("a\x08b\rc\x00\x7f", "abc"),
        ("\x1bc\x1b(Breset", "reset"),
        ("end\x1b", "end"),
        ("end\x1b[3", "end"),
        ("a\x1b[3\nb", "a\nb"),
        ("\x1b]0;a\x1b[31mb", "b"),
    ],
)
def test_strips_what_drives_a_terminal(text: str, left: str) -> None:
    assert clean(text) == left
    assert clean(*text) == left


def test_an_endless_sequence_is_not_awaited() -> None:
    harmless = Harmless()
    shown = harmless.feed("\x1b]0;" + "x" * (LONGEST + 10))
    assert "x" in shown
    assert "\x1b" not in shown


@given(st.lists(st.text(alphabet=st.sampled_from("\x1b[]0;m\x07\\ \x9b\x9c\x9dPab\n"))))
def test_no_control_survives_any_cut(pieces: list[str]) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", clean(*pieces))
    assert clean(*pieces) == clean("".join(pieces))
