"""Bodies told by their bytes: what each is, at every cut, and that nothing is held that is no answer."""

from __future__ import annotations

import contextlib
import gzip
import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import WireRestorer, restore_answer
from holdback.bodies import AnswerRestorer, BodyOptions, BodyProbe, BodyRestorer
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.sniffing import WINDOW, BodyKind, BodySniffer, Claim, claim_of
from strategies import examples
from streams import say
from wires import every, pieces, through

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace'}
EVENTS, LINES, ARRAY, ANSWER, OTHER = BodyKind
STREAMS = (Claim.EVENTS, Claim.LINES)
UNSAID = (Claim.JSON, Claim.NOTHING)
ALL = (*STREAMS, *UNSAID)

CHUNKS = [say("Hi <PER"), say("SON_1>!"), say(" <PERS")]
AS_EVENTS = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in CHUNKS)
AS_LINES = b"".join(json.dumps(chunk).encode() + b"\n" for chunk in CHUNKS)
OLLAMA = b"".join(
    json.dumps({"model": "m", "message": {"content": text}, "done": not text}).encode() + b"\n"
    for text in ("Hi <PER", "SON_1>!", "")
)
GEMINI = [
    {"candidates": [{"index": 0, "content": {"parts": [{"text": text}]}}]} for text in ("<PER", "SON_1>")
]
WHOLE: dict[str, Any] = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "<PERSON_1>"}}],
    "usage": {"total_tokens": 3},
}
MESSAGE = {"type": "message", "content": [{"type": "text", "text": "Hi <PERSON_1>"}]}
BOM = b"\xef\xbb\xbf"

# What the body is, by what its content type says.
BODIES: dict[str, tuple[bytes, dict[BodyKind, tuple[Claim, ...]]]] = {
    "events": (AS_EVENTS, {EVENTS: ALL}),
    "events with CRLF": (AS_EVENTS.replace(b"\n", b"\r\n"), {EVENTS: ALL}),
    "events with CR": (AS_EVENTS.replace(b"\n", b"\r"), {EVENTS: ALL}),
    "events behind blank lines": (b"\n\r\n" + AS_EVENTS, {EVENTS: ALL}),
    "events behind a mark": (BOM + AS_EVENTS, {EVENTS: ALL}),
    "named events": (b"event: message_start\n" + AS_EVENTS, {EVENTS: ALL}),
    "events with all fields": (b"retry: 5\nid: 1\r\nevent: x\r" + AS_EVENTS, {EVENTS: ALL}),
    "events behind a comment": (b": OPENROUTER PROCESSING\n\n: ping\n\n" + AS_EVENTS, {EVENTS: ALL}),
    "events without a blank": (AS_EVENTS.replace(b"data: ", b"data:"), {EVENTS: ALL}),
    "lines": (AS_LINES, {LINES: ALL}),
    "lines behind blank lines": (b"\n\n" + AS_LINES, {LINES: ALL}),
    "lines of Ollama": (OLLAMA, {LINES: ALL}),
    "lines, a foreign one first": (b'{"warning": 1}\n' + AS_LINES, {LINES: ALL}),
    "lines with CRLF": (AS_LINES.replace(b"\n", b"\r\n"), {LINES: ALL}),
    "an answer, then lines": (json.dumps(WHOLE).encode() + b"\n" + AS_LINES, {LINES: ALL}),
    "an array": (json.dumps(GEMINI, indent=1).encode(), {ARRAY: ALL}),
    "an array in pieces": (
        b"[" + b"\r\n,".join(json.dumps(one).encode() for one in GEMINI) + b"\r\n]",
        {ARRAY: ALL},
    ),
    "an answer": (json.dumps(WHOLE).encode(), {ANSWER: ALL}),
    "an answer and a line end": (json.dumps(WHOLE).encode() + b"\n", {ANSWER: ALL}),
    "an answer on many lines": (b"\n" + json.dumps(WHOLE, indent=2).encode(), {ANSWER: ALL}),
    "an answer behind a mark": (BOM + json.dumps(MESSAGE).encode() + b"\r\n\r\n", {ANSWER: ALL}),
    "an answer of Gemini and a line end": (
        json.dumps(GEMINI[0]).encode() + b"\n",
        {LINES: STREAMS, ANSWER: UNSAID},
    ),
    "an answer, blank lines, then lines": (json.dumps(WHOLE).encode() + b"\n\r\n" + AS_LINES, {LINES: ALL}),
    "one line without an end": (json.dumps(say("Hi <PERSON_1>")).encode(), {ANSWER: ALL}),
    "half a line, then lines": (
        b'{"choi\n' + AS_LINES,
        {LINES: (Claim.LINES,), ANSWER: (Claim.EVENTS, *UNSAID)},
    ),
    "text": (b"Hi <PERSON_1>", {EVENTS: STREAMS, OTHER: UNSAID}),
    "text like a field": (b"date: today", {EVENTS: STREAMS, OTHER: UNSAID}),
    "text like a comment": (
        b":) I am <PERSON_1>\nbye",
        {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)},
    ),
    "text like an identifier": (b"id: 5\nname: x", {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)}),
    "text with all line ends": (
        b"id: 5\nname: x\rdata: y",
        {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)},
    ),
    "a list": (b"[1, 2]", {EVENTS: STREAMS, OTHER: UNSAID}),
    "a string": (b'"<PERSON_1>"', {EVENTS: STREAMS, OTHER: UNSAID}),
    "nothing": (b"", {EVENTS: STREAMS, OTHER: UNSAID}),
    "blanks": (b" \n", {EVENTS: STREAMS, OTHER: UNSAID}),
    "half a field": (b"dat", {EVENTS: STREAMS, OTHER: UNSAID}),
}
WHOLES = ("an answer of Gemini and a line end",)
"""Whole answers in which nothing is restored. Their text ends like a placeholder begins; nothing is added behind it."""
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


def restored(restorer: BodyRestorer, reads: list[bytes]) -> bytes:
    return b"".join([*map(restorer.feed, reads), restorer.flush()])


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


def expected(name: str, claim: Claim, kind: BodyKind) -> bytes:
    """What the engine makes of it: blanks in front of a stream are none of its business."""
    data = BODIES[name][0]
    if kind is OTHER:
        return data
    if kind is ANSWER and (name in WHOLES or restore_answer(data, PAIRS) != data):
        return bytes(restore_answer(data, PAIRS))
    body = data.removeprefix(BOM).lstrip(b" \t\r\n")
    return data[: len(data) - len(body)] + through(WireRestorer(PAIRS), [body]).data


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


# ---------------------------------------------------------------- options


def test_the_protocol_is_passed_on(backend: str) -> None:
    delta = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0}
    data = f"data: {json.dumps({**delta, 'delta': '<PERSON_1>'})}\n\n".encode()
    assert b"Ada" in restored(BodyRestorer(PAIRS), [data])
    restorer = BodyRestorer(PAIRS, options=BodyOptions(protocol="anthropic"))
    assert restored(restorer, [data]) == data
    assert restorer.protocol == "anthropic"
    answer = json.dumps(MESSAGE).encode()
    assert restored(BodyRestorer(PAIRS, options=BodyOptions(protocol="openai-chat")), [answer]) == answer


def test_the_limit_of_an_event_is_passed_on() -> None:
    """Whatever the restorer makes of it."""
    expected = through(WireRestorer(PAIRS, max_event_bytes=40), [AS_EVENTS])
    restorer = BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=40))
    out = b""
    with contextlib.suppress(*filter(None, [expected.error])):
        out = restorer.feed(AS_EVENTS)
    assert out + restorer.flush() == expected.data


OVERSIZED = pytest.mark.skipif(
    "oversized" not in inspect.signature(WireRestorer).parameters, reason="the restorer has no such option"
)


@OVERSIZED
def test_what_becomes_of_an_event_that_is_too_large_is_passed_on(backend: str) -> None:
    data = b"data: " + b" " * 50 + AS_EVENTS[6:] + AS_EVENTS
    limit = len(AS_EVENTS) // 3 + 20
    out = restored(BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=limit, oversized="pass")), [data])
    assert b"Ada" in out
    with pytest.raises(EventTooLarge):
        BodyRestorer(PAIRS, options=BodyOptions(max_event_bytes=limit, oversized="raise")).feed(data)


@pytest.mark.parametrize("claim", Claim)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_an_answer_that_is_too_large_passes(claim: Claim, size: int) -> None:
    data = json.dumps(WHOLE, indent=1).encode()
    exact = BodyOptions(max_event_bytes=len(data))
    assert b"Ada" in restored(BodyRestorer(PAIRS, claim=claim, options=exact), every(data, size))
    options = BodyOptions(max_event_bytes=len(data) - 1)
    assert restored(BodyRestorer(PAIRS, claim=claim, options=options), every(data, size)) == data


@OVERSIZED
@pytest.mark.parametrize("claim", Claim)
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_an_answer_that_is_too_large_is_an_error_if_an_option_says_so(claim: Claim, size: int) -> None:
    data = json.dumps(WHOLE, indent=1).encode()
    options = BodyOptions(max_event_bytes=len(data) - 1, oversized="raise")
    restorer = BodyRestorer(PAIRS, claim=claim, options=options)
    reads = every(data, size)
    out = [restorer.feed(read) for read in reads[:-1]]
    with pytest.raises(EventTooLarge, match=f"larger than max_event_bytes={len(data) - 1}"):
        restorer.feed(reads[-1])
    assert b"".join([*out, restorer.flush()]) == data


@pytest.mark.parametrize("magic", [b"\xce\xb2\xcf\x81", b"\x0b\x02\x80", b"\x28\xb5\x2f\xfd"])
def test_what_cannot_be_decoded_is_an_error_or_passes(magic: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdback.codings._module", lambda *names: None)
    data = magic + b"<PERSON_1>" * 5
    restorer = BodyRestorer(PAIRS)
    with pytest.raises(EncodedInput):
        restorer.feed(data)
    assert restorer.flush() == data
    for size in (1, 100):
        restorer = BodyRestorer(PAIRS, options=BodyOptions(undecodable="pass"))
        assert restored(restorer, every(data, size)) == data
        assert restorer.undecoded


@pytest.mark.parametrize(
    "options",
    [{"protocol": "smtp"}, {"oversized": "drop"}, {"undecodable": "drop"}, {"undecodable": None}],
    ids=str,
)
def test_a_setting_that_is_not_known_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(HoldbackError):
        BodyOptions(**options)


def test_a_limit_that_is_no_number_is_an_error() -> None:
    with pytest.raises(TypeError, match="max_event_bytes must be int"):
        BodyOptions(max_event_bytes="1")  # type: ignore[arg-type]


def test_only_bytes_are_taken() -> None:
    for restorer in (BodyRestorer(PAIRS), BodyRestorer(None)):
        with pytest.raises(TypeError, match="feed\\(\\) takes bytes, not str"):
            restorer.feed("data: ")  # type: ignore[arg-type]
    assert restored(BodyRestorer(PAIRS), [bytearray(AS_EVENTS[:20]), memoryview(AS_EVENTS[20:])]) == restored(  # type: ignore[list-item]
        BodyRestorer(PAIRS), [AS_EVENTS]
    )


def test_no_value_is_in_a_repr() -> None:
    restorer = BodyRestorer(PAIRS)
    assert repr(restorer) == "<BodyRestorer undecided>"
    restorer.feed(AS_EVENTS)
    assert repr(restorer) == "<BodyRestorer EVENTS>"


def test_without_a_mapping_everything_passes_decoded() -> None:
    assert restored(BodyRestorer(None), every(gzip.compress(AS_EVENTS), 9)) == AS_EVENTS


def test_an_answer_restorer_may_be_used_alone() -> None:
    restorer = AnswerRestorer(PAIRS)
    assert (restorer.feed(b"[1"), restorer.flush(), restorer.flush()) == (b"", b"[1", b"")


@pytest.mark.parametrize(
    ("content_type", "claim"),
    [
        ("text/event-stream", Claim.EVENTS),
        ("Text/Event-Stream; charset=utf-8", Claim.EVENTS),
        ("application/x-ndjson", Claim.LINES),
        ("application/stream+json", Claim.LINES),
        ("application/json;charset=utf-8", Claim.JSON),
        ("application/vnd.api+json", Claim.JSON),
        ("text/plain; charset=utf-8", Claim.NOTHING),
        ("", Claim.NOTHING),
        ("text/html", None),
        ("application/octet-stream", None),
        ("image/png", None),
    ],
)
def test_what_a_content_type_says(content_type: str, claim: Claim | None) -> None:
    assert claim_of(content_type) is claim
