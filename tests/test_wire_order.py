"""WireRestorer: when what leaves, and how it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

import wires
from holdback import ChunkRestorer, DeanonymizationConfig
from holdback.errors import StreamStateError
from holdback.restorers.wire import WireRestorer
from short_wires import P, event, restored
from streams import ENVELOPE
from wires import SlowWire, every, through

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
