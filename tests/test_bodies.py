"""Bodies told by their bytes: what each is, at every cut, and that nothing is held that is no answer."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodies_cases import (
    ANSWER,
    ARRAY,
    AS_EVENTS,
    AS_LINES,
    BODIES,
    BOM,
    EVENTS,
    LINES,
    OTHER,
    PAIRS,
    STREAMS,
    UNSAID,
    WHOLE,
    expected,
    restored,
)
from holdback import WireRestorer
from holdback.bodies import BodyOptions, BodyProbe, BodyRestorer
from holdback.errors import EncodedInput
from holdback.sniffing import WINDOW, BodyKind, BodySniffer, Claim
from strategies import examples
from wires import every, pieces

CASES = [
    (name, claim, kind) for name, (_, by) in BODIES.items() for kind, claims in by.items() for claim in claims
]
EVERY_CASE = pytest.mark.parametrize(
    ("name", "claim", "kind"), [pytest.param(*case, id=f"{case[0]}-{case[1].name}") for case in CASES]
)


def told(sniffer: BodySniffer, reads: list[bytes]) -> BodyKind:
    for data in reads:
        if (kind := sniffer.feed(data)) is not None:
            return kind
    return sniffer.flush()


def test_every_body_has_a_kind_for_every_claim() -> None:
    for name, (_, by) in BODIES.items():
        assert sorted(claim.name for claims in by.values() for claim in claims) == sorted(
            c.name for c in Claim
        ), name


@EVERY_CASE
def test_it_is_told_whole_and_byte_by_byte(name: str, claim: Claim, kind: BodyKind) -> None:
    data = BODIES[name][0]
    for size in (1, 2, 3, 7, len(data) + 1):
        assert told(BodySniffer(claim), every(data, size)) is kind, size


@EVERY_CASE
def test_it_is_told_at_every_cut(name: str, claim: Claim, kind: BodyKind) -> None:
    data = BODIES[name][0]
    for cut in range(len(data)):
        assert told(BodySniffer(claim), [data[:cut], data[cut:]]) is kind, cut


@EVERY_CASE
def test_what_comes_out_is_what_the_engine_makes_of_it(
    name: str, claim: Claim, kind: BodyKind, backend: str
) -> None:
    data = BODIES[name][0]
    out = expected(name, claim, kind)
    for size in (1, 5, len(data) + 1):
        restorer = BodyRestorer(PAIRS, claim=claim)
        assert restored(restorer, every(data, size)) == out, size
        assert restorer.kind is kind
        assert restored(BodyRestorer(PAIRS, claim=claim), every(gzip.compress(data), size)) == out, size


TOKENS = (
    b"{",
    b"}",
    b'"a":1',
    b'{"a":1}',
    b"\n",
    b"\r",
    b" ",
    b"data: ",
    b"dat",
    b":",
    b"[",
    b"]",
    b"id: 1",
    BOM,
    b"x",
)


@given(
    tokens=st.lists(st.sampled_from(TOKENS), max_size=12),
    claim=st.sampled_from(Claim),
    marks=st.lists(st.integers(0, 60), max_size=5),
    answers=st.booleans(),
)
@examples(5)
def test_any_bytes_at_any_cut_are_of_one_kind_and_none_is_lost(
    tokens: list[bytes], claim: Claim, marks: list[int], *, answers: bool
) -> None:
    data = b"".join(tokens)
    reads = pieces(data, [mark for mark in marks if mark < len(data)])
    whole, cut = (BodyRestorer(PAIRS, claim=claim, answers=answers) for _ in range(2))
    assert restored(whole, [data]) == restored(cut, reads) == data
    assert whole.kind is cut.kind
    probes = [BodyProbe(PAIRS, claim=claim, answers=answers) for _ in range(2)]
    assert probed(probes[0], [data]) == probed(probes[1], reads) == (whole.kind not in (OTHER, ANSWER))


# ---------------------------------------------------------------- when it leaves


@pytest.mark.parametrize("claim", Claim)
@pytest.mark.parametrize("stream", [AS_EVENTS, AS_LINES], ids=["events", "lines"])
def test_a_stream_leaves_event_by_event_whatever_it_is_called(claim: Claim, stream: bytes) -> None:
    """As soon as from the restorer itself."""
    restorer, wire = BodyRestorer(PAIRS, claim=claim), WireRestorer(PAIRS)
    for data in every(stream, 9):
        assert restorer.feed(data) == wire.feed(data)


@pytest.mark.parametrize("claim", STREAMS)
def test_blank_lines_before_the_first_event_keep_a_connection_alive(claim: Claim) -> None:
    restorer = BodyRestorer(PAIRS, claim=claim)
    assert [restorer.feed(b"\n"), restorer.feed(b"\r\n"), restorer.feed(AS_LINES[:5])] == [
        b"\n",
        b"\r\n",
        b"",
    ]


@pytest.mark.parametrize("claim", UNSAID)
@pytest.mark.parametrize("data", [b"Hello", b"dax", b"<html>", b"[1", b"\xff", b"\x1fx", b"5", b"null"])
def test_what_is_no_answer_is_not_held(claim: Claim, data: bytes) -> None:
    restorer = BodyRestorer(PAIRS, claim=claim)
    assert restorer.feed(data) == data
    assert BodyProbe(PAIRS, claim=claim).feed(data) is False
    more = b"data: {}"
    assert restorer.feed(more) is more


def test_an_event_that_has_a_message_beside_its_delta_is_one() -> None:
    line = json.dumps({"choices": [{"delta": {"content": "x"}, "message": None}]}).encode() + b"\n"
    for claim in Claim:
        assert BodySniffer(claim).feed(line) is LINES


def test_what_stands_before_an_error_is_not_lost() -> None:
    restorer = BodyRestorer(PAIRS)
    data = b"\n\n\xce\xb2\xcf\x81<PERSON_1>"
    with pytest.raises(EncodedInput):
        restorer.feed(data)
    assert restorer.flush() == data


def test_where_answers_are_not_wanted_an_object_is_held_no_longer_than_it_takes_to_tell() -> None:
    for data in (b"{\n", b'{"a":\n', json.dumps(WHOLE).encode() + b"\n\nx", b"{" + b" " * WINDOW + b"1"):
        restorer = BodyRestorer(PAIRS, claim=Claim.JSON, answers=False)
        assert restorer.feed(data) == data
        assert restorer.kind is OTHER
    restorer = BodyRestorer(PAIRS, claim=Claim.JSON, answers=False)
    assert restorer.feed(AS_LINES) == WireRestorer(PAIRS).feed(AS_LINES)


@EVERY_CASE
@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_probe_says_beforehand_whether_a_body_is_touched(
    name: str, claim: Claim, kind: BodyKind, *, answers: bool, is_packed: bool
) -> None:
    """A stream is, and a whole answer in which something is restored."""
    data = BODIES[name][0]
    touches = kind in (EVENTS, LINES, ARRAY) or (
        kind is ANSWER and answers and expected(name, claim, kind) != data
    )
    if kind is ANSWER and claim in STREAMS and not answers:
        return  # such a body is certain to be restored: nobody asks
    for size in (1, 5, len(data) + 1):
        reads = every(gzip.compress(data) if is_packed else data, size)
        assert probed(BodyProbe(PAIRS, claim=claim, answers=answers), reads) == touches, size


def probed(probe: BodyProbe, reads: list[bytes]) -> bool:
    for data in reads:
        if (touches := probe.feed(data)) is not None:
            return touches
    return probe.flush()


def test_a_probe_takes_an_answer_that_is_too_large_for_none() -> None:
    data = json.dumps(WHOLE, indent=1).encode()
    for limit in (0, 10, len(data) - 1):
        probe = BodyProbe(PAIRS, claim=Claim.NOTHING, options=BodyOptions(max_event_bytes=limit))
        assert probed(probe, every(data, 10)) is False
