"""Server-sent events, cut at every byte, against a slow reading of the standard."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark._sse import MAX_LINE, Event, EventDecoder, encode_comment, encode_event
from aiodynaspark.errors import StreamError, UsageError

THREE = [Event("message", word) for word in ("one", "two", "three")]
STREAMS = [
    (b"", []),
    (b"data: one\n\n", [Event("message", "one")]),
    (b"data: one\r\n\r\n", [Event("message", "one")]),
    (b"data: one\r\r", [Event("message", "one")]),
    (b"data: one\r\n\ndata: two\n\rdata: three\r\r\n", THREE),
    (b"\xef\xbb\xbfdata: one\n\n", [Event("message", "one")]),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: one\n\ndata: two\n\n", [Event("message", "two")]),
    (b"\n\n\xef\xbb\xbfdata: one\n\n", []),
    (b"data:one\ndata: two\ndata:  three\ndata\n\n", [Event("message", "one\ntwo\n three\n")]),
    (b"data\n\ndata\ndata\n\ndata:", [Event("message", ""), Event("message", "\n")]),
    (b": comment\n\n:\n\n:data: no\n\n", []),
    (b": comment\ndata: one\n: comment\ndata: two\n\n", [Event("message", "one\ntwo")]),
    (b"event: add\ndata: 73857293\n\n", [Event("add", "73857293")]),
    (b"event: add\n\ndata: x\n\n", [Event("message", "x")]),
    (b"event: a\nevent: b\ndata: x\n\ndata: y\n\n", [Event("b", "x"), Event("message", "y")]),
    (
        b"data: a\nid: 1\n\ndata: b\nid\n\ndata: c\n\nid: 2\n\nid: no\0\ndata: d\n\n",
        [
            Event("message", "a", "1"),
            Event("message", "b", ""),
            Event("message", "c", ""),
            Event("message", "d", "2"),
        ],
    ),
    (
        b"retry: 10\n\ndata: a\n\nretry: x\nretry: -1\nretry:\nretry: 1.5\ndata: b\n\n",
        [Event("message", "a", None, 10), Event("message", "b", None, 10)],
    ),
    ("retry: ٣\ndata: 漢😀\x85\u2028\x0b\n\n".encode(), [Event("message", "漢😀\x85\u2028\x0b")]),
    (
        b"data: bad \xff \xe2\x82\ndata: \xf0\x9f\n\n",
        [Event("message", "bad \ufffd \ufffd\n\ufffd")],
    ),
    (b"unknown: x\nDATA: x\n data: x\ndata : x\n\n", []),
    (
        b'data: {"a": 1}\n\ndata: [DONE]\n\n',
        [Event("message", '{"a": 1}'), Event("message", "[DONE]")],
    ),
    (b"data: one\n\ndata: not whole\n", [Event("message", "one")]),
    (b"data: one\n\ndata: not whole", [Event("message", "one")]),
]


def events_of(*pieces: bytes) -> list[Event]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def bytewise(stream: bytes) -> list[Event]:
    return events_of(*(stream[at : at + 1] for at in range(len(stream))))


def reference(stream: bytes) -> list[Event]:
    """The standard's own steps over the whole stream."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    events, kind, data, last_id, retry = [], "", "", None, None
    for line in re.split(r"\r\n|\n|\r", text)[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(Event(kind or "message", data[:-1], last_id, retry))
            kind = data = ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]{1,18}", value):
            retry = int(value)
    return events


@pytest.mark.parametrize(("stream", "events"), STREAMS)
def test_cut_at_every_byte(stream: bytes, events: list[Event]) -> None:
    assert reference(stream) == events
    assert events_of(stream) == events
    assert bytewise(stream) == events
    for at in range(len(stream) + 1):
        assert events_of(stream[:at], stream[at:]) == events


PARTS = st.sampled_from(
    b"data|:|: | |\n|\r|\r\n|event|id|retry|7|data: x\n\n|\xef\xbb\xbf|\xd0\xb4|\xd0|\0|x".split(
        b"|"
    )
)


@given(st.lists(PARTS, max_size=30).map(b"".join), st.lists(st.integers(0, 999), max_size=4))
def test_any_stream_any_cut(stream: bytes, at: list[int]) -> None:
    edges = [0, *sorted(n % (len(stream) + 1) for n in at), len(stream)]
    events = reference(stream)
    assert events_of(stream) == events
    assert events_of(*(stream[a:b] for a, b in pairwise(edges))) == events
    assert bytewise(stream) == events


@given(st.lists(st.tuples(st.text(), st.none() | st.text("aдx: ", min_size=1))))
def test_round_trip(sent: list[tuple[str, str | None]]) -> None:
    stream = b"".join(
        encode_comment("\n" + data) + encode_event(data, event=event) for data, event in sent
    )
    want = [Event(event or "message", re.sub(r"\r\n?", "\n", data)) for data, event in sent]
    assert events_of(stream) == want
    assert bytewise(stream) == want


def test_encoded_bytes() -> None:
    assert encode_event("{}") == b"data: {}\n\n"
    assert encode_event("") == b"data: \n\n"
    assert (
        encode_event("a\r\nb\rc\n", event="e") == b"event: e\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    )
    assert encode_event("\ud800") == b"data: ?\n\n"
    assert encode_comment() == b": \n\n"
    assert encode_comment("a\nb") == b": a\n: b\n\n"
    with pytest.raises(UsageError):
        encode_event("x", event="a\ndata: forged")


def test_events_come_as_soon_as_their_blank_line_begins() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: one\r\n\r") == [Event("message", "one")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: two\n\n") == [Event("message", "two")]


@pytest.mark.parametrize(
    ("stream", "whole"),
    [
        (b"", True),
        (b"data: x\n\n", True),
        (b"data: x\n\n: comment\n", True),
        (b"data: x\n\nda", False),
        (b"data: x\n", False),
        (b"event: x\n", False),
    ],
)
def test_finish_says_whether_an_event_was_cut(stream: bytes, whole: bool) -> None:
    decoder = EventDecoder()
    decoder.feed(stream)
    assert decoder.finish() is whole


def test_line_limit() -> None:
    line = b"data: " + b"x" * (MAX_LINE - 6)
    assert len(events_of(line + b"\n\n")[0].data) == MAX_LINE - 6
    assert len(events_of(line, b"\r", b"\n\r\n")[0].data) == MAX_LINE - 6
    assert len(events_of(line + b"\n" + line + b"\n\n")[0].data) == 2 * (MAX_LINE - 6) + 1
    for pieces in ([line + b"x"], [line, b"x"], [line + b"x\n\n"], [line, b"x\n\n"]):
        with pytest.raises(StreamError, match="more than 4 MiB"):
            events_of(*pieces)
