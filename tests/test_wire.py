"""WireRestorer on recordings, on inventions and on odd bytes: what leaves, in any cut."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import inventions
import strategies
import wires
from holdback import ChunkRestorer, DeanonymizationConfig, _backend, _pure
from holdback.errors import EncodedInput, EventTooLarge
from holdback.formats import FORMATS
from holdback.restorers.wire import WireRestorer
from inventions import PAIRS, RARE
from short_wires import P, event, restored
from thorough import some, thorough
from wires import Recording, SlowWire, every, pieces, recordings, through

RECORDINGS = pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
STRIDE = 31
"""Every place is cut, in a long recording many in one run: a run costs milliseconds."""
SHORT = 3500
"""A recording of so many bytes is cut at every place alone as well, in a quick run at some."""


# ---------------------------------------------------------------- recordings


@thorough
@RECORDINGS
def test_a_recording_cut_anywhere(recording: Recording, backend: str) -> None:
    matcher = _backend.TrieMatcher(recording.pairs)
    data = recording.data
    whole = through(SlowWire(matcher), [data])
    assert through(WireRestorer(matcher), [data]) == whole
    assert through(WireRestorer(matcher), every(data, 1)) == whole
    named = through(WireRestorer(matcher, protocol=whole.protocol), every(data, 1))
    assert named == whole
    for first in range(1, STRIDE + 1):
        marks = range(first, len(data), STRIDE)
        assert through(WireRestorer(matcher), pieces(data, marks)) == whole, first
    for mark in some(range(1, len(data) if len(data) <= SHORT else 0), 50, first=len(data)):
        assert through(WireRestorer(matcher), pieces(data, [mark])) == whole, mark


@RECORDINGS
def test_a_recording_says_what_its_chunks_say(recording: Recording, backend: str) -> None:
    came = wires.chunks(recording.data, lines=recording.lines)
    result = through(WireRestorer(recording.pairs), [recording.data])
    restorer = ChunkRestorer(recording.pairs, protocol=result.protocol)
    expected = [out for chunk in came for out in restorer.feed(chunk)] + restorer.flush()
    assert wires.chunks(result.data, lines=recording.lines) == expected
    assert expected != came


@RECORDINGS
def test_an_unchanged_event_of_a_recording_is_the_same_bytes(recording: Recording, backend: str) -> None:
    result = through(WireRestorer(recording.pairs), [recording.data])
    restorer = ChunkRestorer(recording.pairs, protocol=result.protocol)
    left = iter(wires.frames(result.data, lines=recording.lines))
    same = 0
    for frame in wires.frames(recording.data, lines=recording.lines):
        found = wires.chunks(frame, lines=recording.lines)
        if found and (out := restorer.feed(found[0])) and out[-1] is not found[0]:
            continue
        if found and not out:
            continue  # withheld
        assert frame in left, frame  # that it comes later than the last one is checked on the way
        same += 1
    assert same


@RECORDINGS
def test_a_recording_in_other_line_endings(recording: Recording, backend: str) -> None:
    if recording.lines or b"\r" in recording.data:
        pytest.skip("one kind of line ending")
    plain = restored(recording.data, recording.pairs)
    for newline in (b"\r\n", b"\r"):
        data = recording.data.replace(b"\n", newline)
        assert restored(data, recording.pairs) == plain.replace(b"\n", newline)
        assert restored(data, recording.pairs, 1) == plain.replace(b"\n", newline)


@RECORDINGS
def test_nothing_to_restore_and_nothing_changes(recording: Recording, backend: str) -> None:
    has_source = any(
        name.encode() in recording.data for name in JSON_FIELDS
    )  # where an escape cut in two waits
    for pairs in ({}, None) if has_source else ({"☃": "x"}, {}, None):
        assert restored(recording.data, pairs, 7) == recording.data
    off = DeanonymizationConfig(enabled=False)
    assert through(WireRestorer(recording.pairs, off), every(recording.data, 7)).data == recording.data


JSON_FIELDS = ("_json", "tool_calls", "function_call", "_call", "TOOL_CALL_ARGS", "inputTextDelta")
"""In the bytes of a stream that has JSON source, where an escape cut in two waits."""


# ---------------------------------------------------------------- inventions


def check(data: bytes, pairs: dict[str, str], rng: Random, **options: Any) -> wires.Result:
    """Cut anywhere == whole == every frame read, on both twins."""
    pure: Any = _pure.TrieMatcher(pairs)
    expected = through(SlowWire(pure, **options), [data])
    for kind in (WireRestorer, SlowWire):
        matcher = _backend.TrieMatcher(pairs)
        assert through(kind(matcher, **options), [data]) == expected
        for marks in wires.marks(rng, data):
            assert through(kind(matcher, **options), pieces(data, marks)) == expected
    return expected


RNG = st.randoms(use_true_random=False)


@strategies.examples(0.4)
@given(rng=RNG, pairs=st.sampled_from([PAIRS, RARE]), auto=st.booleans())
def test_an_invented_stream_cut_anywhere(
    rng: Random, pairs: dict[str, str], auto: bool, backend: str
) -> None:
    data, protocol = inventions.stream(rng)
    check(data, pairs, rng, protocol="auto" if auto else protocol)


@strategies.examples(0.4)
@given(rng=RNG, pairs=st.sampled_from([PAIRS, RARE]), limit=st.sampled_from([16 << 20, 16 << 20, 150, 300]))
def test_a_damaged_stream_cut_anywhere(rng: Random, pairs: dict[str, str], limit: int, backend: str) -> None:
    data, protocol = inventions.stream(rng)
    data = inventions.hostile(rng, data)
    result = check(
        data,
        pairs,
        rng,
        protocol=rng.choice(("auto", protocol)),
        max_event_bytes=limit,
        oversized=rng.choice(("pass", "raise")),
    )
    assert result.error in (None, EventTooLarge, EncodedInput)


@strategies.examples(1)
@given(data=st.binary(max_size=60), protocol=st.sampled_from(["auto", *FORMATS]), rng=RNG)
@example(data=b"\xef\xbb", protocol="auto", rng=Random(1))
@example(data=b"data", protocol="auto", rng=Random(1))
@example(data=b"\r\r\n\r", protocol="openai-chat", rng=Random(1))
def test_any_bytes_pass(data: bytes, protocol: str, rng: Random, backend: str) -> None:
    result = check(data, PAIRS, rng, protocol=protocol)
    assert result.data == data
    assert result.error in (None, EncodedInput)


@strategies.examples(0.4)
@given(rng=RNG)
def test_an_invented_stream_without_a_placeholder_is_not_touched(rng: Random, backend: str) -> None:
    data, protocol = inventions.stream(rng)
    # An escape cut in two waits in JSON source, half a pair everywhere.
    assume(not any(name.encode() in data for name in JSON_FIELDS) and b"\\ud83d" not in data)
    assert restored(data, {"☃": "x"}, rng.randint(1, 99), protocol=protocol) == data


# ---------------------------------------------------------------- bytes stay bytes


ODD = {
    "spacing and the order of keys": b'data: { "choices" : [ {"delta":\t{"content": "<PERSON_1>"} ,"index":0 } ] }\n\n',
    "numbers": b'data: {"a":1.0,"b":1e5,"c":123456789012345678901234567890,"d":-0,"e":1E+05,'
    b'"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\n\n',
    "keys twice": b'data: {"a":1,"choices":null,"a":2,'
    b'"choices":[{"index":0,"delta":{"content":7,"content":"<PERSON_1>"}}]}\n\n',
    "keys twice, of another kind": b'data: {"choices":{"0":[]},"choices":[{"delta":[1],"index":0,'
    b'"delta":{"content":"<PERSON_1>"}}]}\n\n',
    "spellings": rb'data: {"a\/\u0062":"\u003c\u00e9\ud83d\ude00","choices":[{"index":0,"delta":'
    rb'{"content":"\u003cPERSON_1\u003E"}}]}' + b"\n\n",
    "pretty-printed": b'data: {\ndata:   "choices": [\ndata:     {"index": 0, "delta":\ndata: {"content":'
    b' "<PERSON_1>"}\ndata: }]}\n\n',
    "CRLF": b'id: 7\r\ndata:{"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\r\n\r\n',
    "CR": b': <PERSON_1>\rdata:{"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\r\r',
    "mixed": b'event: m\rdata:{"choices":[{"index":0,\ndata:"delta":{"content":"<PERSON_1>"}}]}\r\n\n',
    "BOM": wires.BOM + b'data: {"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\n\n',
    "NaN": b'data: {"a":NaN,"b":-Infinity,"choices":[{"index":0,"delta":{"content":"<PERSON_1>"}}]}\n\n',
    "a lone surrogate beside it": rb'data: {"choices":[{"index":0,"delta":{"content":"\ud83d <PERSON_1>"}}]}'
    b"\n\n",
}
LITERAL = re.compile(rb'"(?:<|\\u003c|\\ud83d <)PERSON_1(?:>|\\u003E)"')


@pytest.mark.parametrize("name", ODD)
def test_only_the_literal_of_a_restored_field_differs(name: str, backend: str) -> None:
    data = ODD[name]
    (span,) = (found.span() for found in LITERAL.finditer(data))
    before, after = data[: span[0]], data[span[1] :]
    for size in (0, 1, 5):
        out = restored(data, P, size)
        assert out.startswith(before)
        assert out.endswith(after)
        literal = out[len(before) : len(out) - len(after)]
        assert json.loads(literal) == json.loads(data[slice(*span)]).replace("<PERSON_1>", "Ada")
        assert len(literal) < 16


def test_a_line_of_ndjson_keeps_everything_else(backend: str) -> None:
    data = (
        wires.BOM
        + b'{ "model":"m","message":{"content":"<PERSON_1>"},"done":false,"n":1.0}\r\n\n'
        + b'{"model":"m", "message":{"content":"<PERSON_2>"},"done":true}'
    )
    expected = data.replace(b"<PERSON_1>", b"Ada").replace(b"<PERSON_2>", b"Bo")
    for size in (0, 1):
        assert restored(data, P, size) == expected


JUNK = {
    "a comment": b": <PERSON_1>\n\n",
    "no data": b"event: ping\n\n",
    "a name alone": b"data\n\n",
    "no JSON": b"data: not-json <PERSON_1>\n\n",
    "a list": b'data: ["<PERSON_1>"]\n\n',
    "a number": b"data: 5\n\n",
    "other fields": b"retry: 3\nid: <PERSON_1>\n\n",
    "no UTF-8": b"\xff\xfe<PERSON_1>\n\n",
    "no UTF-8 in a string": b'data: {"choices":[{"index":0,"delta":{"content":"\xff<PERSON_1>"}}]}\n\n',
    "an unknown object": b'data: {"unknown": "<PERSON_1>"}\n\n',
    "empty lines": b"\n\n\r\n\r",
    "deep lists": b"data: " + b"[" * 5000 + b"\n\n",
    "deep objects": b'data: {"a":' * 3000 + b"\n\n",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_what_is_no_event_of_the_format_passes(junk: bytes, backend: str) -> None:
    around = event("Hi <PERS"), event("ON_1>!")
    for size in (0, 1):
        out = restored(around[0] + junk + around[1], P, size)
        assert out == event("Hi ") + junk + event("Ada!")
