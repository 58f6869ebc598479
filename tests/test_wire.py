"""WireRestorer: exact to the byte, cut anywhere, with and without its fast path, on both twins."""

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
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError, StreamStateError
from holdback.formats import FORMATS
from holdback.restorers.wire import WireRestorer
from inventions import PAIRS, RARE
from streams import ENVELOPE
from thorough import some, thorough
from wires import Recording, SlowWire, every, pieces, recordings, through

RECORDINGS = pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
STRIDE = 31
"""Every place is cut, in a long recording many in one run: a run costs milliseconds."""
SHORT = 3500
"""A recording of so many bytes is cut at every place alone as well, in a quick run at some."""
P = {"<PERSON_1>": "Ada", "<PERSON_2>": "Bo"}
SECRET = {"<SECRET_KEY>": "secret original"}


def event(text: str, newline: str = "\n", **more: Any) -> bytes:
    chunk = {**ENVELOPE, "choices": [{"index": 0, "delta": {"content": text}}], **more}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}{newline}{newline}".encode()


def restored(data: bytes, pairs: Any = P, size: int = 0, **options: Any) -> bytes:
    return through(WireRestorer(pairs, **options), every(data, size or max(1, len(data)))).data


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


# ---------------------------------------------------------------- when it leaves


def test_an_event_leaves_when_it_is_complete(backend: str) -> None:
    restorer = WireRestorer(P)
    one, two = event("Hi <PERSON_1>"), event("there")
    assert restorer.feed(one[:-1]) == b""
    assert restorer.feed(one[-1:] + two[:9]) == one.replace(b"<PERSON_1>", b"Ada")
    assert restorer.feed(two[9:]) == two
    assert restorer.flush() == b""


def test_an_event_that_ends_with_cr_does_not_wait_for_a_lf(backend: str) -> None:
    data = event("Hi <PERSON_1>", "\r")
    restorer = WireRestorer(P)
    assert restorer.feed(data) == data.replace(b"<PERSON_1>", b"Ada")
    assert restorer.feed(b"\n") == b"\n"
    assert restorer.feed(b"\r\n") == b"\r\n"
    crlf = event("Hi", "\r\n")
    assert restorer.feed(crlf[:-1]) == crlf[:-1]
    assert restorer.feed(crlf[-1:]) == b"\n"


def test_the_lf_of_a_withheld_event_goes_its_way(backend: str) -> None:
    data = event("<PERS", "\r\n")
    restorer = WireRestorer(P)
    assert restorer.feed(data[:-1]) == b""
    assert restorer.feed(b"\n") == b""
    assert restorer.feed(event("ON_1>", "\r\n")) == event("Ada", "\r\n")
    assert restorer.feed(data[:-1]) == b""
    assert restorer.feed(b"\n" + event("ON_1>", "\r\n")) == event("Ada", "\r\n")


def test_the_shortest_event_leaves_when_it_is_complete(backend: str) -> None:
    restorer = WireRestorer(P)
    for data in (b":\n", b"\n", b": ping\r", b"\n", b"\r"):
        assert restorer.feed(data) == data


def test_without_a_mapping_everything_leaves_at_once(backend: str) -> None:
    restorer = WireRestorer(None)
    for data in (b"\x1f\x8b\x08", b"data", event("<PERSON_1>")[:-1]):
        assert restorer.feed(data) == data
    assert restorer.flush() == b""


@pytest.mark.parametrize("protocol", ["auto", "anthropic"])
def test_thinking_is_restored_if_the_config_says_so(protocol: str, backend: str) -> None:
    start = b'data: {"type":"message_start","message":{"role":"assistant","content":[]}}\n\n'
    delta = {"type": "thinking_delta", "thinking": "<PERSON_1>"}
    data = (
        start
        + f"data: {json.dumps({'type': 'content_block_delta', 'index': 0, 'delta': delta})}\n\n".encode()
    )
    assert restored(data, protocol=protocol) == data
    for_display = DeanonymizationConfig(reasoning=True)
    assert restored(data, protocol=protocol, config=for_display) == data.replace(b"<PERSON_1>", b"Ada")


def test_a_withheld_event_with_other_lines_stays(backend: str) -> None:
    restorer = WireRestorer(P)
    assert restorer.feed(b"id: 7\n" + event("<PERS")) == b"id: 7\n" + event("")
    assert restorer.feed(b": ping\n\n") == b": ping\n\n"
    assert restorer.flush().count(b"<PERS") == 1


def test_held_text_leaves_before_the_end_mark(backend: str) -> None:
    data = event("a <PERS") + b"data: [DONE]\n\n"
    for size in (0, 1):
        head, tail, done, nothing = restored(data, P, size).split(b"\n\n")
        assert head + b"\n\n" == event("a ")
        assert json.loads(tail[6:])["choices"][0]["delta"] == {"content": "<PERS"}
        assert json.loads(tail[6:])["id"] == ENVELOPE["id"]
        assert (done, nothing) == (b"data: [DONE]", b"")


def test_a_tail_is_dressed_the_same_whichever_events_were_read(backend: str) -> None:
    """As the first events said: of later ones the fast path passes some unread. Found by fuzzing."""
    other = [{"index": 1, "delta": {"content": "there"}}]
    data = event("Hi") + event("", choices=other) + event("a <PERS", id="another") + event("", choices=other)
    for kind in (WireRestorer, SlowWire):
        for size in (1, len(event("Hi")), len(data)):
            out = through(kind(P), every(data, size)).data
            *_, tail = wires.chunks(out, lines=False)
            assert (tail["id"], tail["choices"][0]["delta"]) == (ENVELOPE["id"], {"content": "<PERS"})


def test_a_tail_is_written_like_the_last_event_whichever_way_that_was_restored(backend: str) -> None:
    """Frames that carry no JSON do not count: a template restores the events around them. Found by fuzzing."""
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ""}}

    def named(said: str) -> bytes:
        source = json.dumps({**text, "delta": {"type": "text_delta", "text": said}}, separators=(",", ":"))
        return f"event: {text['type']}\ndata: {source}\n\n".encode()

    data = named("a <PERS") + named("ON_") + b"data: junk{\r\n\r\n" + named("2")
    for kind in (WireRestorer, SlowWire):
        for size in (1, len(data)):
            out = through(kind(P, protocol="anthropic"), every(data, size)).data
            assert out.endswith(b"data: junk{\r\n\r\n" + named("") + named("<PERSON_2"))


def test_a_byte_order_mark_further_on_is_no_start(backend: str) -> None:
    """The event behind it is none to a reader, also behind a first one that had a mark or was left out."""
    held, other = event("<PERS"), wires.BOM + event("<PERSON_1>")
    left_out = (b"\n" + other + event("<PERS at"), held + other + event(" at"))
    restored_first = (wires.BOM + event("Ada") + other, wires.BOM + event("<PERSON_1>") + other)
    for expected, data in (left_out, restored_first):
        for kind in (WireRestorer, SlowWire):
            for size in (1, len(data)):
                assert through(kind(P, protocol="openai-chat"), every(data, size)).data == expected


def test_the_lead_of_a_left_out_event_is_its_own_line_end(backend: str) -> None:
    """However the event is written that leaves instead."""
    data = event("<PERS") + wires.BOM + b"data: x\n\n" + event("ON_1>", "\r\n")
    expected = b"\n" + wires.BOM + b"data: x\n\n" + event("Ada", "\r\n")
    for size in (1, 71, len(data)):
        assert restored(data, P, size, protocol="openai-chat") == expected


CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}
ENDS_WHAT_IT_FEEDS: dict[str, dict[str, Any]] = {
    "a call": {"reasoning_content": "<PERSON_1>.", "tool_calls": [CALL]},
    "a function call": {"reasoning_content": "<PERSON_1>", "function_call": {"name": "f", "arguments": ""}},
    "content that is no text": {"reasoning": "<PERSON_1>", "content": [{"type": "image", "x": 1}]},
    "another call in its place": {
        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "<PERSON_1>"}}, {**CALL, "id": "b"}]
    },
}


@pytest.mark.parametrize("name", ENDS_WHAT_IT_FEEDS)
def test_an_event_that_ends_the_channel_it_feeds_is_like_no_other(name: str, backend: str) -> None:
    chunk = {**ENVELOPE, "choices": [{"index": 0, "delta": ENDS_WHAT_IT_FEEDS[name]}]}
    frame = f"data: {json.dumps(chunk)}\n\n".encode()
    restorer = ChunkRestorer(P, protocol="openai-chat")
    expected = [left for _ in range(3) for left in restorer.feed(chunk)] + restorer.flush()
    for size in (1, len(frame), 3 * len(frame)):
        left = wires.chunks(restored(frame * 3, P, size, protocol="openai-chat"), lines=False)
        assert left == expected


def test_thinking_that_ends_in_its_own_line(backend: str) -> None:
    line = (
        b'{"model":"m","message":{"role":"assistant","thinking":"<PERSON_1>","content":["x"]},"done":false}\n'
    )
    assert restored(line) == line.replace(b"<PERSON_1>", b"Ada")


def test_a_number_too_long_to_read_is_left_unread_in_every_cutting(backend: str) -> None:
    """An event like the last one is restored only if it would be read."""

    def numbered(number: str) -> bytes:
        place = '"item_id":"i","output_index":0,"content_index":0,"delta":"<PERSON_1>"'
        return (
            f'data: {{"type":"response.output_text.delta","sequence_number":{number},{place}}}\n\n'.encode()
        )

    data = numbered("1") + b"data: {}\n\n" + numbered("2") + numbered("1" * 5000)
    expected = through(SlowWire(P), [data])
    for size in (1, 200, len(data)):
        assert through(WireRestorer(P), every(data, size)) == expected


def test_an_error_that_nobody_expected_loses_nothing(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read leaves as it came, once, behind what was ready."""
    restorer = WireRestorer(P)
    assert restorer.feed(event("Hi")) == event("Hi")

    def broken(*_: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("holdback.engine.answer.Answer.settle", broken)
    data = (
        event("ready")
        + event("<PERSON_1>").replace(b'"index"', b'"finish_reason": "stop", "index"')
        + event("more")
    )
    with pytest.raises(RuntimeError):
        restorer.feed(data)
    with pytest.raises(StreamStateError):
        restorer.feed(event("late"))
    assert restorer.flush() == data


@pytest.mark.parametrize("limit", [None, "9", 1.5, True])
def test_the_limit_of_an_event_is_a_number_of_bytes(limit: Any) -> None:
    with pytest.raises(TypeError, match="max_event_bytes must be int"):
        WireRestorer(P, max_event_bytes=limit)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("protocol", "held"),
    [
        ("openai-chat", event("<PERS")),  # its chunks have no type
        (
            "anthropic",
            b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"<PERS"}}\n\n',
        ),
    ],
    ids=["openai-chat", "anthropic"],
)
def test_a_tail_has_a_name_if_the_events_have_and_it_has_a_type(
    protocol: str, held: bytes, named: bool, backend: str
) -> None:
    restorer = WireRestorer(P, protocol=protocol)
    restorer.feed(b"event: x\n" * named + held)
    tail = restorer.flush()
    is_named = named and protocol == "anthropic"
    assert tail.startswith(b"event: content_block_delta\ndata: {" if is_named else b"data: {")
    assert tail.count(b"<PERS") == 1


def test_behind_the_end_mark_nothing_is_read(backend: str) -> None:
    data = b"data: [DONE]\n\n"
    rest = event("<PERSON_1>") + data + b"\x1f\x8b rest"
    for size in (0, 1, 3):
        assert restored(event("Hi") + data + rest, P, size) == event("Hi") + data + rest


def test_behind_the_end_mark_events_like_the_last_one_are_not_read_either(backend: str) -> None:
    """Each event is a read of its own, as it is on the wire."""
    restorer = WireRestorer(P)
    reads = [event("Hi"), event("<PERSON_1>"), event("<PERSON_1>"), b"data: [DONE]\n\n", event("<PERSON_1>")]
    assert [restorer.feed(read) for read in reads] == [reads[0], event("Ada"), event("Ada"), *reads[3:]]
    assert restorer.flush() == b""


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_last_event_without_its_blank_line(missing: int, newline: str, backend: str) -> None:
    first, last = event("Hi", newline), event("<PERSON_1>, <PERS", newline)
    cut = last[: -missing * len(newline)]
    before = first + event("Ada, ", newline)
    for size in (0, 1):
        out = restored(first + cut, P, size)
        assert out.startswith(before)
        assert out[len(before) :].splitlines(keepends=True)[1:] == [newline.encode()]
        (tail,) = wires.chunks(out[len(before) :], lines=False)
        assert tail["choices"][0]["delta"] == {"content": "<PERS"}


@pytest.mark.parametrize("missing", [1, 2])
def test_a_withheld_last_event_needs_no_blank_line_before_its_tail(missing: int, backend: str) -> None:
    for size in (0, 1):
        out = restored(event("<PERS")[:-missing], P, size)
        assert out.startswith(b"data: {")
        assert out.endswith(b"}\n\n")
        assert out.count(b"\n") == 2


def test_a_last_line_without_its_lf(backend: str) -> None:
    line = b'{"model":"m","created_at":"t","message":{"content":"a <PERS"},"done":false}'
    for size in (0, 1):
        *before, tail, nothing = restored(line, P, size).split(b"\n")
        assert (before, nothing) == ([line.replace(b"<PERS", b"")], b"")
        assert json.loads(tail)["message"]["content"] == "<PERS"


def test_a_last_event_that_is_cut_off_passes_behind_the_tail(backend: str) -> None:
    cut = event("ON_1>")[:-9]
    out = restored(event("a <PERS") + cut, P)
    assert out.endswith(cut)
    assert out.count(b"<PERS") == 1


def test_flush_twice_and_feed_after_it(backend: str) -> None:
    restorer = WireRestorer(P)
    restorer.feed(event("a <PERS"))
    assert b"<PERS" in restorer.flush()
    assert restorer.flush() == b""
    with pytest.raises(StreamStateError, match=r"^feed\(\) after flush\(\)$"):
        restorer.feed(b"")
    assert restorer.flush() == b""


def test_empty_reads_change_nothing(backend: str) -> None:
    data = event("Hi <PERSON_1>")
    reads = [b"", data[:20], b"", b"", data[20:], b""]
    assert through(WireRestorer(P), reads).data == restored(data)
    assert WireRestorer(P).flush() == b""


def test_bytes_of_any_kind(backend: str) -> None:
    data = event("<PERSON_1>")
    for kind in (bytes, bytearray, memoryview):
        restorer = WireRestorer(P)
        for sent, leaves in ((data, event("Ada")), (data, event("Ada")), (event("Hi"), event("Hi"))):
            came: Any = kind(sent)
            out = restorer.feed(came)
            assert type(out) is bytes
            assert out == leaves


@pytest.mark.parametrize("wrong", ["text", None, 7, [1]], ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_bytes(wrong: Any, backend: str) -> None:
    restorer = WireRestorer(P)
    with pytest.raises(TypeError, match=rf"^feed\(\) takes bytes, not {type(wrong).__name__}$"):
        restorer.feed(wrong)
    assert restorer.feed(event("<PERSON_1>")) == event("Ada")


# ---------------------------------------------------------------- which format it is


def test_auto_decides_by_the_first_data(backend: str) -> None:
    restorer = WireRestorer(P)
    for data in (b"", b": hi\n\n", b"event: x\n\n", b"data: junk\n\n", b"data: 5\n\n"):
        assert restorer.feed(data) == data
        assert restorer.protocol == "auto"
    restorer.feed(event("<PERSON_1>"))
    assert restorer.protocol == "openai-chat"


FOREIGN = (
    b'data: {"a":1}\n\n',
    b"data: {}\n\n",
    b'event: hermes.tool.progress\ndata: {"tool":"terminal"}\n\n',
    b'data: {"warning":"x"}\n\n',
    b'data: {"type":"ping"}\n\n',
    b'data: {"type":"error","error":{}}\n\n',
)


@pytest.mark.parametrize("data", FOREIGN)
def test_an_event_that_no_format_claims_decides_nothing(data: bytes, backend: str) -> None:
    restorer = WireRestorer(P)
    rest = event("<PERSON_1>")
    assert restorer.feed(data) == data
    assert restorer.protocol == "auto"
    assert restorer.feed(rest[:9]) + restorer.feed(rest[9:]) == event("Ada")
    assert restorer.protocol == "openai-chat"
    assert restored(data * 3, P, 1) == data * 3
    again = WireRestorer(P)
    assert again.feed(data) + again.flush() == data
    assert again.protocol == "unknown"


def test_a_named_format_reads_no_other(backend: str) -> None:
    data = event("<PERSON_1>")
    assert restored(data, protocol="anthropic") == data
    assert WireRestorer(P, protocol="gemini").protocol == "gemini"
    with pytest.raises(HoldbackError, match="unknown protocol; known are: "):
        WireRestorer(P, protocol="openai")


# ---------------------------------------------------------------- limits


def test_the_limit_is_exact_for_every_cut(backend: str) -> None:
    for newline in ("\n", "\r\n", "\r"):
        first, second = event("Hi", newline), event("there " * 3, newline)
        data = first + second + first
        size = len(second) - 2 * len(newline)  # all of it but the line ends that end it
        for mark in range(len(data)):
            reads = [data[:mark], data[mark:]]
            assert through(WireRestorer(P, max_event_bytes=size, oversized="raise"), reads).error is None, (
                newline,
                mark,
            )
            result = through(WireRestorer(P, max_event_bytes=size - 1, oversized="raise"), reads)
            assert result.error is EventTooLarge, (newline, mark)
            assert (
                result.words == f"the event at offset {len(first)} is larger than max_event_bytes={size - 1}"
            )
            assert result.data == data


def test_the_limit_of_a_line_is_exact_for_every_cut(backend: str) -> None:
    data = b'{"model":"m","message":{"content":"Hi"},"done":false}\n' * 2
    size = len(data) // 2 - 1
    for mark in range(len(data)):
        reads = [data[:mark], data[mark:]]
        assert through(WireRestorer(P, max_event_bytes=size, oversized="raise"), reads).error is None
        assert (
            through(WireRestorer(P, max_event_bytes=size - 1, oversized="raise"), reads).error
            is EventTooLarge
        )


def test_the_offset_of_an_event_counts_all_that_came_before(backend: str) -> None:
    """Whichever way that was taken: read, by a template, by the scan."""
    texts = ("<PERSON_1>", "Hi", "there", "<PERSON_1>", "<PERSON_1>", "<PERS", "ON_1>", "Hi", "!")
    data = b"".join(map(event, texts))
    for size in (1, 7, len(event("Hi")), len(data)):
        restorer = WireRestorer(P, max_event_bytes=1000, oversized="raise")
        result = through(restorer, [*every(data, size), event("x" * 1000)])
        assert result.words == f"the event at offset {len(data)} is larger than max_event_bytes=1000"
    restorer = WireRestorer(P, max_event_bytes=1000, oversized="raise")
    result = through(restorer, [*map(event, texts), event("x" * 1000)])
    assert result.words == f"the event at offset {len(data)} is larger than max_event_bytes=1000"


def test_an_event_without_an_end_is_not_collected(backend: str) -> None:
    restorer = WireRestorer(P, max_event_bytes=1000, oversized="raise")
    with pytest.raises(EventTooLarge):  # noqa: PT012 - at some point
        for _ in range(20):
            restorer.feed(b"x" * 100)
    assert restorer.flush() == b"x" * 1100


def test_after_an_error_everything_leaves_once(backend: str) -> None:
    ready, held = event("Hi"), event("a <PERS")
    large = event("x" * 1000) + event("<PERSON_1>") + b"rest"
    for mark in range(0, len(large), 50):
        restorer = WireRestorer(P, max_event_bytes=500, oversized="raise")
        out = b""
        reads = [ready + held + large[:mark], large[mark:]]
        with pytest.raises(EventTooLarge):  # noqa: PT012 - with the first read or with the second
            while reads:
                out += restorer.feed(reads.pop(0))
        with pytest.raises(StreamStateError, match=r"^feed\(\) after an error$"):
            restorer.feed(b"x")
        out += restorer.flush() + b"".join(reads)
        assert restorer.flush() == b""
        assert out.startswith(ready + event("a "))
        assert out.endswith(large)
        assert out.count(b'"<PERS"') == 1


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"\xce\xb2\xcf\x81", "br"),
        (b"\x1b\xb7\x00\xf8", "br"),
        (b"\x0b\x02\x80", "br"),
        (b"\x8b\x00\x80", "br"),
    ],
)
@pytest.mark.parametrize("protocol", ["auto", "openai-chat", "ollama"])
def test_compressed_bytes_are_refused(magic: bytes, name: str, protocol: str, backend: str) -> None:
    for size in (0, 1, 2, 3):
        restorer = WireRestorer(P, protocol=protocol)
        result = through(restorer, every(magic + b"data", size or 99))
        assert result.error is EncodedInput
        assert f"({name})" in result.words
        assert result.data == magic + b"data"


def test_after_compressed_bytes_no_read_is_taken(backend: str) -> None:
    restorer = WireRestorer(P, protocol="openai-chat")
    with pytest.raises(EncodedInput):
        restorer.feed(b"\x1f\x8b")
    with pytest.raises(StreamStateError, match=r"^feed\(\) after an error$"):
        restorer.feed(event("Hi"))
    assert restorer.flush() == b"\x1f\x8b"


def test_a_magic_in_the_middle_is_data(backend: str) -> None:
    data = event("Hi") + b"\x1f\x8b\x08\n\n"
    assert restored(data) == data


# ---------------------------------------------------------------- the fast path


TOOL_CALL = [
    {"choices": [{"index": 0, "delta": {"content": "Hi"}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":"'}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "b"}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "<P_1>"}}]}}]},
]


def test_a_tool_call_whose_first_fragments_hold_no_key_is_read_from_its_beginning(backend: str) -> None:
    data = b"".join(f"data: {json.dumps({**ENVELOPE, **chunk})}\n\n".encode() for chunk in TOOL_CALL)
    for kind in (WireRestorer, SlowWire):
        out = through(kind(RARE), [data])
        assert out.data == through(SlowWire(RARE), every(data, 1)).data
        assert rb"Ada \\\"x\\\"\\n" in out.data


def test_an_empty_line_before_a_withheld_event_stays(backend: str) -> None:
    """Also where the line feed is how a key begins, so that the scan takes nothing."""
    data = b"\n" + event("\n")
    restorer = WireRestorer({"\n!": "x"})
    assert restorer.feed(event("a")) == event("a")
    assert restorer.feed(data[:-1]) + restorer.feed(data[-1:]) == b"\n"
    assert restorer.feed(event("!")) == event("x")


def test_behind_the_beginning_of_another_frame_no_template_is_tried(backend: str) -> None:
    restorer = WireRestorer(P)
    for text, leaves in (("<PERSON_1>", "Ada"), ("a <PERS", "a ")):
        assert restorer.feed(event(text)) == event(leaves)
        assert restorer.feed(b":") == b""
        assert restorer.feed(event("ON_1>")) == b":" + event("ON_1>")
    assert restorer.feed(event("ON_1>")) == event("Ada")


def test_events_that_only_feed_are_taken_by_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is fast is for the benches; that it happens at all is seen here."""
    if _backend.BACKEND == "pure":
        pytest.skip("the lane is native")
    settled: list[object] = []
    settle = WireRestorer._settle_event

    def noted(self: WireRestorer, *what: Any) -> None:
        settled.append(what)
        settle(self, *what)

    monkeypatch.setattr(WireRestorer, "_settle_event", noted)
    restorer = WireRestorer(P)
    assert restorer.feed(event("Hi") + event("<PERSON_1>") * 100) == event("Hi") + event("Ada") * 100
    assert len(settled) == 1


def test_no_value_in_errors_and_reprs(backend: str) -> None:
    seen: list[str] = []
    held = event("a <SECRET_")
    for options in ({"max_event_bytes": 200, "oversized": "raise"}, {}):
        restorer = WireRestorer(SECRET, **options)  # type: ignore[arg-type]
        chunks = ChunkRestorer(SECRET)
        chunks.feed(json.loads(held[6:]))
        seen.append(repr(chunks))
        restorer.feed(held)
        seen.append(repr(restorer))
        try:
            restorer.feed(event("<SECRET_KEY>" * 30)[:-1])
        except EventTooLarge as error:
            seen += [str(error), repr(error), repr(error.__context__), repr(error.__cause__)]
        seen.append(repr(restorer))
        assert b"SECRET" in restorer.flush()
    assert len(seen) == 10
    assert not any("secret" in text.lower() for text in seen), seen


def test_its_repr_says_how_much_it_knows_and_holds(backend: str) -> None:
    restorer = WireRestorer(P)
    assert repr(restorer) == "<WireRestorer auto: 2 placeholders, detecting>"
    restorer.feed(event("Hi") + b"data")
    assert repr(restorer) == "<WireRestorer openai-chat: 2 placeholders, restoring>"
    restorer.flush()
    assert repr(restorer) == "<WireRestorer openai-chat: 2 placeholders, ended>"
    assert repr(WireRestorer(None)) == "<WireRestorer auto: 0 placeholders, forwarding>"


# ---------------------------------------------------------------- reports from the field


def test_row_21_a_ping_between_the_halves_lets_nothing_out(backend: str) -> None:
    for between in (b": ping\n\n", b"data: junk\n\n", b"event: ping\ndata: \n\n"):
        data = event("<PERS") + between + event("ON_1>")
        assert restored(data) == between + event("Ada")


def test_row_23_keep_alives_pass_at_once_while_text_is_held(backend: str) -> None:
    restorer = WireRestorer(P)
    assert restorer.feed(event("<PERS")) == b""
    for alive in (b": ping\n\n", b":\r\n\r\n", b"event: ping\ndata: {}\n\n", b"\n"):
        assert restorer.feed(alive) == alive


def test_row_25_merged_events_keep_their_own_lines(backend: str) -> None:
    data = b"event: a\n" + event("<PERS") + b"event: b\n" + event("ON_1>")
    assert restored(data) == b"event: a\n" + event("") + b"event: b\n" + event("Ada")


def test_row_33_numbers_in_sequence_stay_and_a_tail_repeats_the_last(backend: str) -> None:
    ids = {"item_id": "i", "output_index": 0, "content_index": 0}
    kinds = [("delta", {"delta": "a <PERS"}), ("done", {"text": "a <PERS"})]
    events = [
        {"type": f"response.output_text.{kind}", "sequence_number": number, **ids, **more}
        for number, (kind, more) in enumerate(kinds)
    ]
    data = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    out = wires.chunks(restored(data), lines=False)
    assert [chunk.get("sequence_number") for chunk in out] == [0, 0, 1]
    assert [chunk.get("delta") for chunk in out] == ["a ", "<PERS", None]


def test_row_34_numbers_order_and_whitespace(backend: str) -> None:
    data = b'data: {"b": 1.0, "a": 1e5,  "choices":[{"index":0, "delta":{"content":"<PERSON_1>"}}]}\n\n'
    assert restored(data) == data.replace(b"<PERSON_1>", b"Ada")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_row_39_a_line_separator_cuts_no_event(separator: str, backend: str) -> None:
    pairs = {"<PERSON_1>": f"A{separator}da"}
    data = event(f"a{separator}b")
    assert restored(data, pairs, 1) == data
    (chunk,) = wires.chunks(out := restored(event("<PERSON_1>"), pairs), lines=False)
    assert chunk["choices"][0]["delta"]["content"] == f"A{separator}da"
    assert len(out.decode().splitlines()) == 2
    line = b'{"model":"m","message":{"content":"<PERSON_1>"},"done":false}\n'
    assert len(restored(line, pairs).decode().splitlines()) == 1


def test_rows_40_and_41_a_character_cut_between_two_reads(backend: str) -> None:
    data = event("né 😀 <PERSÖN>")
    for size in (1, 2, 3):
        assert restored(data, {"<PERSÖN>": "Ü 😀"}, size) == data.replace(
            "<PERSÖN>".encode(), "Ü 😀".encode()
        )


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_rows_42_and_43_every_line_ending_cut_anywhere(newline: str, backend: str) -> None:
    data = event("Hi <PERS", newline) + event("ON_1>", newline)
    for mark in range(len(data)):
        out = through(WireRestorer(P), [data[:mark], data[mark:]]).data
        assert out == event("Hi ", newline) + event("Ada", newline)


def test_row_44_a_bom_stays_where_it_is(backend: str) -> None:
    data = wires.BOM + event("<PERSON_1>")
    for size in (0, 1, 2):
        assert restored(data, P, size) == wires.BOM + event("Ada")
    assert restored(event("Hi") + wires.BOM + event("<PERSON_1>")) == event("Hi") + wires.BOM + event(
        "<PERSON_1>"
    )


def test_row_45_data_without_a_space_in_lines_and_in_packets(backend: str) -> None:
    data = b'event: x\ndata:{"choices":[{"index":0,\ndata: "delta":{"content":"<PERSON_1>"}}]}\n\n'
    for size in (0, 1, 9):
        assert restored(data, P, size) == data.replace(b"<PERSON_1>", b"Ada")


def test_row_46_single_line_feeds_between_events_are_not_repaired(backend: str) -> None:
    data = event("a").replace(b"\n\n", b"\n") + event("b")
    assert restored(data, P, 1) == data


def test_row_54_two_end_marks(backend: str) -> None:
    data = event("Hi") + b"data: [DONE]\n\n" * 2
    assert restored(data, P, 1) == data


def test_row_55_the_buffer_has_a_bound(backend: str) -> None:
    restorer = WireRestorer(P, oversized="raise")
    with pytest.raises(EventTooLarge, match=r"at offset 0 .* max_event_bytes=67108864$"):  # noqa: PT012
        for _ in range(65):
            restorer.feed(b"x" * (1 << 20))
