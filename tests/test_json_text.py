"""What an event is: JSON as it is defined once, the same on both twins, with the native lane and without.

A placeholder tells: where the event is understood, it is restored; where it is not, the bytes pass as they came.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import WireRestorer
from json_table import ROWS, USUAL, Row, beside
from strategies import examples
from thorough import thorough
from wire_cases import PAIRS, sse
from wire_json import event_of
from wire_ways import LANES, Lane, lanes, through
from wires import every

# What today's restorer does not get right. Empty this set, and the tests must pass.
PENDING: set[str] = set()
RESTORED = json.dumps(PAIRS["<PERSON_1>"], ensure_ascii=False)[1:-1].encode()
KEY = b"<PERSON_1>"


def rows() -> list[Any]:
    mark = pytest.mark.xfail(reason="the engine of today", strict=False)
    return [pytest.param(row, id=row.name, marks=[mark] if row.name in PENDING else []) for row in ROWS]


every_row = pytest.mark.parametrize("row", rows())
LANE = pytest.mark.parametrize("lane", LANES, ids=["lane", "no lane"][: len(LANES)])


def frame(source: bytes) -> bytes:
    return b"data: " + source + b"\n\n"


def restorer(lane: Lane) -> WireRestorer:
    return WireRestorer(PAIRS, protocol="openai-chat", **lane)


def expected_of(row: Row) -> bytes:
    if not row.is_event:
        return frame(row.source)
    key = KEY if KEY in row.source else rb"\u003CPERSON\u005f1\u003e"
    return frame(row.source.replace(key, RESTORED))


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_judge_reads_the_same(row: Row) -> None:
    """And so does Python's own reader where it knows the rule."""
    try:
        source = row.source.decode()
    except UnicodeDecodeError:
        assert not row.is_event
        return
    assert (event_of(source) is not None) == row.is_event
    if "deep" not in row.name and "digits" not in row.name:
        try:
            is_event = isinstance(json.loads(source), dict)
        except ValueError:
            is_event = False
        assert is_event == row.is_event


@thorough
@every_row
def test_as_the_first_event(backend: str, row: Row) -> None:
    data = frame(row.source)
    for lane in lanes():
        for reads in ([data], every(data, 1)):
            assert through(restorer(lane), reads).data == expected_of(row), lane


@thorough
@every_row
def test_as_a_later_event(backend: str, row: Row) -> None:
    """When its channel is open and like events came before: where a short cut may be taken."""
    before, after = frame(USUAL) * 3, frame(USUAL.replace(b"Hi ", b"And "))
    expected = (before + b"|" + after).replace(KEY, RESTORED).replace(b"|", expected_of(row))
    data = before + frame(row.source) + after
    frames = [*[frame(USUAL)] * 3, frame(row.source), after]
    for lane in lanes():
        for reads in ([data], frames):
            assert through(restorer(lane), reads).data == expected, lane


@thorough
@every_row
def test_what_is_held_waits_for_an_event(backend: str, row: Row) -> None:
    """What is no event feeds nothing: not one part of it, before the place where it is found to be none."""
    begin, end = (frame(USUAL.replace(b"Hi <PERSON_1>", text)) for text in (b"<PERS", b"ON_1>"))
    joined = frame(USUAL.replace(b"Hi <PERSON_1>", RESTORED))
    emptied = frame(USUAL.replace(b"Hi <PERSON_1>", b""))  # its member without a name that is known keeps it
    for lane in lanes():
        out = through(restorer(lane), [begin + frame(row.source) + end]).data
        if row.is_event:
            assert joined not in out, lane
        else:
            assert out == emptied + frame(row.source) + joined, lane


@LANE
def test_of_duplicates_the_last_counts(backend: str, lane: Lane) -> None:
    said = b'"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]'
    twice = frame(b"{" + said + b', "choices":[],' + said + b"}")
    assert (
        through(restorer(lane), [twice]).data
        == twice[: twice.rindex(KEY)] + RESTORED + twice[twice.rindex(KEY) + len(KEY) :]
    )
    none = frame(b"{" + said + b',"choices":[]}')
    assert through(restorer(lane), [none]).data == none
    text = frame(b'{"choices":[{"index":0,"delta":{"content":"<PERSON_1>","content":null}}]}')
    assert through(restorer(lane), [text]).data == text


@LANE
def test_lone_surrogates_are_written_as_escapes(backend: str, lane: Lane) -> None:
    source = USUAL.replace(b"Hi ", rb"\ud83d<PERSON_1>\ude00 ")
    assert through(restorer(lane), [frame(source)]).data == frame(source.replace(KEY, RESTORED))


SPELLINGS = st.text(st.sampled_from('{}[]",:\\u0eE+-.19 \ttfnNaIlr\x01é'), max_size=12)


@examples(1)
@given(value=SPELLINGS)
def test_any_value(backend: str, value: str) -> None:
    """A few characters where a value should be: understood exactly where the judge understands them."""
    source = beside(value.encode())
    row = Row("", source, is_event=event_of(source.decode()) is not None)
    for lane in lanes():
        for data in (frame(source), sse({"choices": []}) + frame(USUAL) + frame(source)):
            out = through(restorer(lane), [data]).data
            assert out.endswith(expected_of(row))
