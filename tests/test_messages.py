"""AWS event streams: messages cut anywhere, with both checksums, and damaged in every way."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aws_messages
import message_vectors
from aws_messages import message, read, stream, written
from holdback import ChunkRestorer, DeanonymizationConfig, EventTooLarge, WireRestorer
from holdback.engine.messages import MessageFramer
from recorded import MAP, STREAMS, through

RECORDINGS = sorted(path.name for path in STREAMS.glob("*.eventstream"))


def delta(text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": {"text": text}, **more}}


def argument(source: str, index: int = 1) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": {"toolUse": {"input": source}}}}


STOP: dict[str, Any] = {"messageStop": {"stopReason": "end_turn"}}
START: dict[str, Any] = {"messageStart": {"role": "assistant"}}
EVENTS = [
    START,
    delta("Hi <PERSO", p="abc"),
    delta("N_10>!", p="é"),
    argument('{"to":"\\u003cEMA'),
    argument('IL_1>"}'),
    delta(" a <PERS"),
    {"contentBlockStop": {"contentBlockIndex": 0}},
    STOP,
    {"metadata": {"usage": {"totalTokens": 3}}},
]


def restored(data: bytes, size: int = 1 << 20, **options: Any) -> bytes:
    restorer = WireRestorer(MAP, **options)
    return (
        b"".join(restorer.feed(data[at : at + size]) for at in range(0, len(data), size)) + restorer.flush()
    )


def said(events: list[dict[str, Any]]) -> str:
    deltas = (event.get("contentBlockDelta", {}) for event in events)
    return "".join(one["delta"].get("text", "") for one in deltas if one)


def test_the_events_are_restored(backend: str) -> None:
    out = read(restored(stream(EVENTS)))
    assert out == through("bedrock", EVENTS)
    assert said(out) == "Hi Grace! a <PERS"
    assert out[5:8] == [delta(" a "), delta("<PERS"), EVENTS[6]]


def test_at_every_cut(backend: str) -> None:
    data = stream(EVENTS)
    whole = restored(data)
    assert restored(data, 1) == whole
    for cut in range(len(data)):
        restorer = WireRestorer(MAP)
        assert restorer.feed(data[:cut]) + restorer.feed(data[cut:]) + restorer.flush() == whole, cut


@pytest.mark.parametrize("protocol", ["auto", "bedrock"])
@pytest.mark.parametrize("reasoning", [False, True])
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording(name: str, protocol: str, reasoning: bool, backend: str) -> None:
    """As bytes and as boto3's events it comes to the same."""
    data = (STREAMS / name).read_bytes()
    config = DeanonymizationConfig(reasoning=reasoning)
    whole = restored(data, config=config, protocol=protocol)
    assert whole != data
    for size in (1, 13, 500):
        assert restored(data, size, config=config, protocol=protocol) == whole
    assert read(whole) == through(protocol, read(data), config)


def test_what_does_not_change_leaves_as_the_same_bytes(backend: str) -> None:
    data = stream(event for event in EVENTS if "toolUse" not in str(event))
    for size in (1, 30, 1 << 20):
        restorer = WireRestorer({"\0": "x"})
        out = b"".join(restorer.feed(data[at : at + size]) for at in range(0, len(data), size))
        assert out == data
        assert restorer.flush() == b""


def test_only_the_text_of_a_changed_message_differs(backend: str) -> None:
    headers = {"event_type": "contentBlockDelta", "message_type": "event", "content_type": "application/json"}
    payload = '{ "p":"é\\u00e9", "contentBlockIndex" : 0, "delta":{"text":"<PERSON_10>"}, "n":1.0 }'.encode()
    data = message(payload, **headers)
    assert restored(data) == message(payload.replace(b"<PERSON_10>", b"Grace"), **headers)


def test_what_a_chunk_has_beside_its_event_stays(backend: str) -> None:
    event = b'{"outputText":"<PERSON_10>","index":0,"completionReason":null}'
    chunk = {"chunk": {"bytes": event, "p": "abc"}}
    assert read(restored(written(chunk))) == [
        {"chunk": {"bytes": event.replace(b"<PERSON_10>", b"Grace"), "p": "abc"}}
    ]
    assert ChunkRestorer(MAP, protocol="bedrock").feed(chunk)[0] == read(restored(written(chunk)))[0]


@pytest.mark.parametrize(
    ("field", "end"),
    [("outputText", "completionReason"), ("generation", "stop_reason")],
)
def test_models_with_a_format_of_their_own(field: str, end: str, backend: str) -> None:
    events = [{field: "a <PERS", end: None}, {field: "ON_10> <PER", end: None}, {field: "", end: "x"}]
    chunks = [{"chunk": {"bytes": json.dumps(event).encode()}} for event in events]
    out = aws_messages.inner(read(restored(stream(chunks), 7)))
    assert out == [{field: "a ", end: None}, {field: "Grace ", end: None}, {field: "<PER", end: "x"}]
    assert out == aws_messages.inner(through("bedrock", chunks))


def test_a_stream_of_chunks_that_just_stops(backend: str) -> None:
    chunk = {"chunk": {"bytes": json.dumps({"outputs": [{"text": "a <PERS", "stop_reason": None}]}).encode()}}
    tail = {"outputs": [{"index": 0, "text": "<PERS"}]}
    assert aws_messages.inner(read(restored(written(chunk))))[1:] == [tail]
    assert aws_messages.inner(through("bedrock", [chunk]))[1:] == [tail]


def test_an_exception_comes_behind_the_tails(backend: str) -> None:
    error = message(
        b'{"message":"of <PERSON_1>"}', exception_type="throttlingException", message_type="exception"
    )
    out = restored(stream([START, delta("a <PERS")]) + error)
    assert out.endswith(error)
    assert read(out)[1:3] == [delta("a "), delta("<PERS")]
    chunk = {"chunk": {"bytes": b'{"generation":"a <PERS","stop_reason":null}'}}
    out = restored(written(chunk) + error)
    assert out.endswith(error)
    assert aws_messages.inner(read(out))[1] == {"generation": "<PERS"}


TEXTS = ("<PERSON_1", "<PERS", "ON_10>", "0>", "<", " a", '{"a":"', '"}', "\\u003cPERSON_10>", "\n", "é")


def anything(rng: Random) -> bytes:
    """An event of ConverseStream, or one of another provider in a chunk, spelled in any way."""
    text, index = "".join(rng.choices(TEXTS, k=rng.randint(0, 3))), rng.randint(0, 2)
    if rng.random() < 0.5:
        ends = {"contentBlockStop": {"contentBlockIndex": index}}
        return written(
            rng.choice((delta(text, index), delta(text, index, p="é"), argument(text, index), ends, STOP))
        )
    said = {"type": "text_delta", "text": text}
    stop = {"type": "content_block_stop", "index": index}
    event = rng.choice(({"type": "content_block_delta", "index": index, "delta": said}, stop))
    encoded = base64.b64encode(json.dumps(event).encode()).decode()
    ways = ('{"bytes":"%s"}', '{"bytes":"%s","p":"ab"}', '{"bytes": "%s"}', '{"p":"x","bytes":"%s"}')
    payload = (rng.choice(ways) % encoded).encode()
    return message(payload, event_type="chunk", message_type="event")


@given(seed=st.integers(0, 1 << 30))
def test_with_and_without_the_lane_it_is_the_same_in_any_cut(backend: str, seed: int) -> None:
    rng = Random(seed)
    first = START if rng.random() < 0.5 else {"chunk": {"bytes": b'{"type":"message_start","message":{}}'}}
    data = written(first) + b"".join(anything(rng) for _ in range(rng.randint(1, 12)))
    whole = restored(data, _lane=False)
    assert restored(data) == restored(data, 1) == restored(data, rng.randint(2, 90)) == whole


# ---------------------------------------------------------------- vectors, which `cargo test` reads as well


def test_the_vectors_are_as_they_are_made() -> None:
    assert json.loads(message_vectors.FILE.read_text("ascii")) == message_vectors.vectors()


@pytest.mark.parametrize("vector", message_vectors.vectors(), ids=lambda vector: vector["name"])
def test_a_vector(vector: dict[str, Any], backend: str) -> None:
    data, leaves = (vector[name].encode("latin-1") for name in ("stream", "leaves"))
    for size in (1, 7, len(data)):
        framer, lengths = MessageFramer(1 << 20, skip_oversized=True), []
        for at in range(0, len(data), size):
            taken = framer.feed(data[at : at + size])
            while isinstance(taken, tuple):
                lengths.append(len(taken[1]))
                taken = framer.feed(b"")
        assert lengths == vector["lengths"]
        for lane in (True, False):
            restorer = WireRestorer(message_vectors.PAIRS, protocol="bedrock", _lane=lane)
            out = b"".join(restorer.feed(data[at : at + size]) for at in range(0, len(data), size))
            assert out + restorer.flush() == leaves
            assert restorer.report.not_understood == vector["broken"]


# ---------------------------------------------------------------- damage


def fed(data: bytes, **options: Any) -> tuple[WireRestorer, bytes]:
    restorer = WireRestorer(MAP, **options)
    return restorer, restorer.feed(data) + restorer.flush()


def broken(restorer: WireRestorer) -> int:
    return restorer.report.not_understood


@pytest.mark.parametrize("at", [-1, -5, 14, 20])
def test_a_message_with_a_wrong_checksum_passes_as_it_is(at: int, backend: str) -> None:
    one = bytearray(written(delta("x <PERSON_10>")))
    one[at] ^= 1
    before, after = stream([START, delta("a <PERS")]), stream([delta("ON_10>"), STOP])
    restorer, out = fed(before + one + after)
    assert bytes(one) in out
    assert broken(restorer) == restorer.report.not_understood == 1
    first, last = out.split(bytes(one))
    assert said(read(first) + read(last)) == "a Grace"


@pytest.mark.parametrize(
    "damage",
    [
        b"junk",
        b"\0" * 40,
        b"\0\0\0\x10\0\0\0\0\0\0\0\0",
        written(delta("<PERSON_10>"))[5:],
        b"\xff\xff\xff\xff" + written(delta("<PERSON_10>"))[4:],
        written(delta("<PERSON_10>"))[:-3],
    ],
    ids=["junk", "zeros", "a prelude", "without its start", "a length that lies", "without its end"],
)
def test_the_stream_goes_on_where_a_message_begins(damage: bytes, backend: str) -> None:
    """But for a message that lacks its end: its length is sure, so what follows is taken for its rest."""
    before, after = stream([START, delta("a <PERS")]), stream([delta("ON_10>"), STOP, delta("<PERSON_10>")])
    restorer, out = fed(before + damage + after)
    assert damage[:-3] in out
    assert broken(restorer) >= 1
    assert out.endswith(stream([STOP]) + written(delta("Grace"))) or b"<PERS" in out
    for size in (1, 5):
        assert restored(before + damage + after, size) == out
    if not damage.startswith(written(delta("<PERSON_10>"))[:-3]):
        assert said(read(out[out.index(damage) + len(damage) :])) == "GraceGrace"


def test_a_message_that_is_cut_off_comes_behind_the_tails(backend: str) -> None:
    last = written(delta("ON_1>"))
    for size in (1, 11, 12, 40, len(last) - 1):
        _, out = fed(stream([START, delta("a <PERS")]) + last[:size])
        assert out.endswith(last[:size])
        assert said(read(out[:-size])) == "a <PERS"


def test_headers_that_cannot_be_read_pass(backend: str) -> None:
    payload = b'{"contentBlockIndex":0,"delta":{"text":"<PERSON_10>"}}'
    good = message(payload, event_type="contentBlockDelta", message_type="event")
    for data in (
        message(payload),
        message(payload, message_type="event"),
        message(payload, event_type='a"b'),
    ):
        assert restored(stream([START]) + data + good).startswith(stream([START]) + data)


@pytest.mark.parametrize(
    "payload", [b"", b"7", b"[]", b'{"bytes":7}', b'{"bytes":"%%"}', b'{"bytes":"e30"}', b"{", b"\xff"]
)
@pytest.mark.parametrize("name", ["chunk", "contentBlockDelta"])
def test_payloads_that_are_no_events_pass(payload: bytes, name: str, backend: str) -> None:
    data = message(payload, event_type=name, message_type="event")
    assert restored(stream([START]) + data) == stream([START]) + data


def test_a_message_that_is_too_large(backend: str) -> None:
    large, around = written(delta("<PERSON_10>" * 30)), [delta("a <PERS"), delta("ON_10>")]
    data = stream([START, around[0]]) + large + written(around[1])
    for size in (1, 100, 1 << 20):
        out = restored(data, size, max_event_bytes=300)
        first, last = out.split(large)
        assert said(read(first) + read(last)) == "a Grace"
    restorer = WireRestorer(MAP, max_event_bytes=300, oversized="raise")
    with pytest.raises(EventTooLarge, match=f"at offset {len(stream([START, around[0]]))} "):
        restorer.feed(data)
    assert restorer.flush().endswith(large + written(around[1]))


LOST_BY_RESTORING = 100  # bytes by which the originals are shorter than their placeholders


@given(seed=st.integers(0, 1 << 30))
def test_damage_anywhere(backend: str, seed: int) -> None:
    """Nothing raises or is kept for long, the cut makes no difference, and sound messages are read on."""
    rng = Random(seed)
    data = bytearray(stream(EVENTS[: rng.randint(1, len(EVENTS))]))
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 9)] = rng.choice((b"", rng.randbytes(rng.randint(1, 9)), b"\0\0\0"))
    damaged = b"\0" + bytes(data[1:])  # so that it is told as messages
    end = stream([delta("<PERSON_10>", 7)] * 2)
    whole = restored(damaged, max_event_bytes=1000)
    restorer, out = WireRestorer(MAP, max_event_bytes=1000), b""
    at = 0
    while at < len(damaged):
        size = rng.randint(1, 40)
        out += restorer.feed(damaged[at : at + size])
        at += size
        assert min(at, len(damaged)) - len(out) <= 1000 + LOST_BY_RESTORING
    out += restorer.flush()
    assert out == whole == restored(damaged, max_event_bytes=1000, _lane=False)
    plain = WireRestorer(MAP, max_event_bytes=1000, _lane=False)
    plain.feed(damaged)
    plain.flush()
    assert restorer.report == plain.report
    found = restored(damaged + b"!" * 1100 + end, max_event_bytes=1000)
    assert stream([delta("Grace", 7)] * 2) in found
