"""The decoder against a strict parse of the whole body, cut at every byte."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiodynaspark._field import FieldDecoder
from aiodynaspark.errors import StreamError

BOM = b"\xef\xbb\xbf"

VALID = [
    b'{"response": "hello"}',
    b'{"response":"hello"}',
    b'{"response":"hello","model":"m"}\n',
    b' \t\r\n{ \t"response"\r\n:\n "hello" \n} \r\n\t ',
    b'{"response":""}',
    BOM + b'{"response":"after a byte order mark"}',
    BOM + b' {"model": "m", "response": "after a byte order mark"}',
    b'{"response":"\xef\xbb\xbfnot at the start\\ufeff"}',
    b'{"model":"m","response":"last"}',
    b'{"response":"first","model":"m","usage":{"total_tokens":3}}',
    b'{"nested":{"response":"decoy"},"response":"real"}',
    b'{"nested":[{"response":"decoy"},"response"],"response":"real"}',
    b'{"a":"\\"response\\":\\"decoy","response":"real"}',
    b'{"a\\"response":"decoy","response":"real"}',
    b'{"response":"real","nested":{"response":"decoy","error":"decoy"}}',
    b'{"\\u0072esponse":"escaped key"}',
    b'{"\\u0072\\u0065\\u0073ponse" : "escaped key","Response":"other","response ":"other"}',
    b'{"response":"real","error":null}',
    b'{"error":null,"response":"real"}',
    b'{"response":"\\"\\\\\\/\\b\\f\\n\\r\\t"}',
    b'{"response":"ends with a backslash\\\\"}',
    b'{"response":"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\u0041"}',
    b'{"response":"\\\\ud83d\\u0041\\\\\\ud83d\\u0041"}',
    b'{"response":"\\u0434\\u043E\\u0431\\u0440\\u044B\\u0439"}',
    b'{"response":"\\ud83d\\ude00\\uD83D\\uDE00"}',
    b'{"response":"lone \\ud83d, \\ude00, \\ud83d\\n, \\ud83d\\u0041, \\ud83d\\ud83d\\ude00"}',
    b'{"response":"\\ud83d"}',
    b'{"response":"\\ud83d\\ud83d\\ud83d"}',
    '{"response":"д 漢 😀 é"}'.encode(),
    '{"ключ":"значение","response":"ответ"}'.encode(),
    b'{"response":"bad \xff\xfe \xc3 \xe2\x82 \xf0\x9f\x98 \xed\xa0\x80 \xc0\xaf"}',
    b'{"response":"\xf0\x9f","bad\xff":"\xc3"}',
    b'{"a":"\\ud800","b\\udfff":["\\ud83d\\ude00",1e999],"response":"x"}',
    b'{"response":"\x7f\xc2\x80\xe2\x80\xa8 are no control characters of JSON"}',
    b'{"numbers":[0,-0,1.5,1E+2,-1e-2,12345678901234567890123],"response":"x"}',
    b'{"long":' + b"7" * 5_000 + b',"response":"x"}',
    b'{"long":[-' + b"7" * 4_300 + b"," + b"7" * 700 + b'],"response":"x"}',
    b'{"t":true,"f":false,"n":null,"i":1 ,"d":-1.0e1\n,"response":"x"}',
    b'{"a":[],"b":{},"c":[[],{}],"d":"]}","e":["\\\\",{"]":"\\""}],"response":"x"}',
    b'{"a":1,"a":2,"response":"other keys may come twice"}',
    b'{"deep":' + b"[" * 200 + b"]" * 200 + b',"response":"x"}',
]

INVALID = [
    (b"", "empty body"),
    (b" \r\n", "empty body"),
    (BOM, "empty body"),
    (b"<!DOCTYPE html><html></html>", "HTML"),
    (b"\n <html>", "HTML"),
    (b"null", "not a JSON object"),
    (b"42", "not a JSON object"),
    (b'"response"', "not a JSON object"),
    (b'["response"]', "not a JSON object"),
    (b"Bad Gateway", "not a JSON object"),
    (b'\xff{"response":"x"}', "not a JSON object"),
    (b' \xef\xbb\xbf{"response":"x"}', "not a JSON object"),
    (b"\xc3", "not a JSON object"),
    (b'\xc3{"response":"x"}', "not a JSON object"),
    (b"{}", 'holds no "response"'),
    (b'{"text":"x","nested":{"response":"decoy"}}', 'holds no "response"'),
    (b'{"response":null}', 'has null as "response"'),
    (b'{"response":42}', "has a number"),
    (b'{"response":1.5}', "has a number"),
    (b'{"response":true}', "has a boolean"),
    (b'{"response":["x"]}', "has a list"),
    (b'{"response":{"response":"x"}}', "has an object"),
    (b'{"response":null,"error":"over quota"}', "an error: over quota."),
    (b'{"error":"over quota."}', "an error: over quota."),
    (b'{"error":{"message":"no such model"}}', "an error: no such model."),
    (b'{"error":"over quota","response":"x"}', "an error: over quota."),
    (b'{"response":"some text","error":"cut short"}', "an error: cut short."),
    (b'{"response":"some text","\\u0065rror":"cut short"}', "an error: cut short."),
    (b'{"error":"over quota","\xc3', "an error: over quota."),
    (b'{"error":"over quota"\xc3', "an error: over quota."),
    (b'{"response":"x","error":"over quota","error":null}', "an error: over quota."),
    (b'{"error":{"code":7}}', "without saying which"),
    (b'{"error":"<html>page</html>"}', "without saying which"),
    (b'{"error":false}', "without saying which"),
    (b'{"error":"a\\nb\\u001b[31m \\ud800c"}', "an error: a b [31m"),
    (b'{"response":"one","response":"two"}', "twice"),
    (b'{"response":"one","\\u0072esponse":2}', "twice"),
    (b'{"\\u0072esponse":"one","response":"two"}', "twice"),
    (b'{"respons\\u0065":"one","response":"two"}', "twice"),
    (b'{"response":null,"response":"two"}', "twice"),
    (b'{"response":"x"}<html>', "after its end"),
    (b'{"response":"x"}}', "after its end"),
    (b'{"response":"x"}{"response":"y"}', "after its end"),
    (b'{"response":"x"}\xc3', "after its end"),
    (b'{"response":"x"} \x00', "after its end"),
    (b'{"response":"x"', "cut off"),
    (b'{"response":"x', "cut off"),
    (b'{"response":"x\\', "cut off"),
    (b'{"response":"x\xc3', "cut off"),
    (b'{"response"', "cut off"),
    (b'{"response":"x","a":[1', "cut off"),
    (b'{"response":"x",}', "where a key should be"),
    (b"{,}", "where a key should be"),
    (b"{'response':'x'}", "where a key should be"),
    (b'{"response" "x"}', "after a key"),
    (b'{"response":"x" "a":1}', "after a member"),
    (b'{"a":1 2,"response":"x"}', "after a member"),
    (b'{"a":"b"c,"response":"x"}', "after a member"),
    (b'{"response":"a\nb"}', "inside the text"),
    (b'{"response":"a\x00b"}', "inside the text"),
    (b'{"response":"a\\qb"}', "inside the text"),
    (b'{"response":"a\\u12"}', "inside the text"),
    (b'{"response":"a\\u00g0b"}', "inside the text"),
    (b'{"response":"a\\ud83d\\q"}', "inside the text"),
    (b'{"response":"a\\ud83d\\u12"}', "inside the text"),
    (b'{"response":"a\\ud83d\n"}', "inside the text"),
    (b'{"a":01,"response":"x"}', "in a member"),
    (b'{"a":1.,"response":"x"}', "in a member"),
    (b'{"a":+1,"response":"x"}', "in a member"),
    (b'{"a":NaN,"response":"x"}', "in a member"),
    (b'{"a":[-Infinity],"response":"x"}', "in a member"),
    (b'{"a":True,"response":"x"}', "in a member"),
    (b'{"a":,"response":"x"}', "in a member"),
    (b'{"a":[1,],"response":"x"}', "in a member"),
    (b'{"a":[},"response":"x"}', "in a member"),
    (b'{"a":{"b":1]},"response":"x"}', "in a member"),
    (b'{"a":"\n","response":"x"}', "in a member"),
    (b'{"a\t":"","response":"x"}', "in a member"),
    (b'{"\\x":"","response":"x"}', "in a member"),
    (b'{"deep":' + b"[" * 201 + b"]" * 201 + b',"response":"x"}', "levels deep"),
]

Outcome = tuple[str, str | None, dict[str, Any]]


def outcome(*pieces: bytes) -> Outcome:
    """What a decoder makes of the pieces: the text, what was wrong, the other members."""
    decoder = FieldDecoder()
    texts: list[str] = []
    try:
        texts.extend(decoder.feed(piece) for piece in pieces)
        decoder.finish()
    except StreamError as error:
        return "".join(texts), str(error), decoder.members
    return "".join(texts), None, decoder.members


def bytewise(body: bytes) -> Outcome:
    return outcome(*(body[at : at + 1] for at in range(len(body))))


class Pairs(list[tuple[str, Any]]):
    """An object as its members in order, doubles included."""


def reference(body: bytes) -> str:
    """The text by a strict parse of the whole body; ValueError where it has none."""
    parsed = json.loads(
        body.removeprefix(BOM).decode("utf-8", "replace"),
        object_pairs_hook=Pairs,
        parse_constant=refuse,
        parse_int=len,
    )
    if not isinstance(parsed, Pairs) or depth(parsed) > 201:
        raise ValueError("no object")
    members = [(mend(key), value) for key, value in parsed]
    [text] = (value for key, value in members if key == "response")
    if not isinstance(text, str) or any(k == "error" and v is not None for k, v in members):
        raise ValueError("no answer")
    return mend(text)


def refuse(name: str) -> NoReturn:
    raise ValueError(name)


def depth(value: Any) -> int:
    if isinstance(value, Pairs):
        return 1 + max((depth(inner) for _, inner in value), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def mend(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


@pytest.mark.parametrize("body", VALID)
def test_valid_body_cut_at_every_byte(body: bytes) -> None:
    whole = outcome(body)
    assert whole[:2] == (reference(body), None)
    assert bytewise(body) == whole
    for at in range(len(body) + 1):
        assert outcome(body[:at], body[at:]) == whole


@pytest.mark.parametrize(("body", "wrong"), INVALID)
def test_invalid_body_cut_at_every_byte(body: bytes, wrong: str) -> None:
    whole = outcome(body)
    assert wrong in str(whole[1])
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the strict parse says
        reference(body)
    assert bytewise(body) == whole
    for at in range(len(body) + 1):
        assert outcome(body[:at], body[at:]) == whole


@pytest.mark.parametrize("body", VALID)
def test_truncated_at_every_byte(body: bytes) -> None:
    text = reference(body)
    for at in range(len(body.rstrip())):
        sofar, wrong, _ = outcome(body[:at])
        assert text.startswith(sofar)
        assert wrong


@pytest.mark.parametrize("body", VALID)
def test_text_is_not_held_back(body: bytes) -> None:
    """All but an unfinished character or escape is handed on at once."""
    decoder = FieldDecoder()
    for at in range(len(body)):
        decoder.feed(body[at : at + 1])
        assert len(decoder._rest) <= 12


def test_fault_comes_after_the_text_before_it() -> None:
    decoder = FieldDecoder()
    assert decoder.feed(b'{"response": "some text", "error": "over quota"}') == "some text"
    for _ in range(2):
        with pytest.raises(StreamError, match="over quota"):
            decoder.feed(b"")
    with pytest.raises(StreamError, match="over quota"):
        decoder.finish()


@pytest.mark.parametrize(
    ("body", "retryable"),
    [
        (b"", True),
        (b"<html>", True),
        (b'{"response":"x', True),
        (b"null", False),
        (b'{"error":"no"}', False),
        (b'{"response":null}', False),
        (b'{"response":"a\n"}', False),
    ],
)
def test_says_whether_to_ask_again(body: bytes, retryable: bool) -> None:
    decoder = FieldDecoder()
    decoder.feed(body)
    with pytest.raises(StreamError) as caught:
        decoder.finish()
    assert caught.value.retryable is retryable
    assert caught.value.partial == ""


def test_members_are_there_as_soon_as_they_are_whole() -> None:
    decoder = FieldDecoder()
    decoder.feed(b'{"model": "m", "facts": [{"width": 1')
    assert decoder.members == {"model": "m"}
    decoder.feed(b'}], "response": "te')
    assert decoder.members == {"model": "m", "facts": [{"width": 1}]}
    decoder.feed(b'xt", "n\\ud800": "\\udc00"}')
    assert decoder.members == {"model": "m", "facts": [{"width": 1}], "n\ufffd": "\ufffd"}
    decoder.finish()


def test_depth_bomb_ends_at_once() -> None:
    decoder = FieldDecoder()
    decoder.feed(b'{"a":' + b"[" * 1_000_000)
    with pytest.raises(StreamError, match="levels deep"):
        decoder.feed(b"[")


def test_memory_does_not_grow_with_the_text() -> None:
    piece = b"a \\n \\u0434 \\ud83d\\ude00 \\\\" * 500
    decoder = FieldDecoder()
    decoder.feed(b'{"response":"')
    tracemalloc.start()
    try:
        length = sum(len(decoder.feed(piece)) for _ in range(400))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert length == 400 * 500 * len("a \n д 😀 \\")
    assert peak < 10 * len(piece)
    decoder.feed(b'"}')
    decoder.finish()


CHARACTERS = st.text(
    st.one_of(st.sampled_from('"\\/\n\tдu😀\ufeff\x7f{}[]:,'), st.characters()), max_size=8
)
SPACES = st.text(" \t\n\r", max_size=2).map(str.encode)
ESCAPES = st.sampled_from(
    [b"\\\\", b'\\"', b"\\/", b"\\n", b"\\u0041", b"\\ud83d", b"\\uDE00", b"\\ud83d\\ude00"]
)
BAD_BYTES = st.sampled_from([b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80"])
STRINGS = st.lists(
    st.one_of(CHARACTERS.map(lambda text: json.dumps(text)[1:-1].encode()), ESCAPES, BAD_BYTES),
    max_size=6,
).map(lambda parts: b'"' + b"".join(parts) + b'"')
VALUES = st.recursive(
    st.one_of(
        STRINGS,
        st.sampled_from([b"null", b"true", b"0", b"-1.5e3"]),
        st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)).map(
            lambda number: json.dumps(number).encode()
        ),
        CHARACTERS.map(lambda text: json.dumps(text, ensure_ascii=False).encode(errors="replace")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: b"[" + b" ,".join(items) + b"]"),
        st.lists(st.tuples(STRINGS, inner), max_size=3).map(
            lambda items: b"{" + b",".join(key + b":" + value for key, value in items) + b"}"
        ),
    ),
    max_leaves=4,
)
KEYS = st.one_of(STRINGS, st.sampled_from([b'"response"', b'"error"', b'"\\u0072esponse"']))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An object with a text among other members, mostly valid."""
    members = draw(st.lists(st.tuples(KEYS, VALUES), max_size=3))
    members.insert(draw(st.integers(0, len(members))), (b'"response"', draw(STRINGS)))
    rows = [
        draw(SPACES) + key + draw(SPACES) + b":" + draw(SPACES) + value + draw(SPACES)
        for key, value in members
    ]
    start = draw(st.sampled_from([b"", BOM]))
    return start + draw(SPACES) + b"{" + b",".join(rows) + b"}" + draw(SPACES)


def cuts(body: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(n % (len(body) + 1) for n in at), len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


def check(body: bytes, at: list[int]) -> None:
    whole = outcome(body)
    assert outcome(*cuts(body, at)) == whole
    assert bytewise(body) == whole
    try:
        text = reference(body)
    except ValueError:
        assert whole[1] is not None
    else:
        assert whole[:2] == (text, None)


JUNK = (b'"', b"\\", b"\\u", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\x00", b"0", b"\xc3")


@given(bodies(), st.lists(st.integers(0, 10_000), max_size=5))
def test_any_object_any_cut(body: bytes, at: list[int]) -> None:
    check(body, at)


@given(bodies(), st.data())
def test_any_damage_any_cut(body: bytes, data: st.DataObject) -> None:
    """One stretch of a body replaced by something else: right, or the same fault everywhere."""
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(start + 3, len(body))))
    new = data.draw(st.one_of(st.binary(max_size=2), st.sampled_from(JUNK)))
    check(body[:start] + new + body[end:], data.draw(st.lists(st.integers(0, 999), max_size=3)))
