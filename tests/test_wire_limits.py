"""WireRestorer: which format it is, limits, what the lane takes, and the reports about bytes from the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

import wires
from holdback import ChunkRestorer, _backend
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError, StreamStateError
from holdback.restorers.wire import WireRestorer
from inventions import RARE
from short_wires import P, event, restored
from streams import ENVELOPE
from wires import SlowWire, every, through

SECRET = {"<SECRET_KEY>": "secret original"}


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


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_bom_behind_what_passed_unread_is_no_start(end: bytes, backend: str) -> None:
    large = b"data: " + b"x" * 300 + b"\n\n"
    for before in (large, b"\n\n", large.replace(b"\n", b"\r\n")):
        data = before + wires.BOM + event("<PERSON_1>").removesuffix(b"\n") + end
        for size in (len(data), 1, 7):
            restorer = WireRestorer(P, max_event_bytes=200)
            assert through(restorer, every(data, size)).data == data
            assert restorer.protocol == "unknown"


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
