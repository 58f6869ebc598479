"""Frames: events and lines, as the bytes that came."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
import wires
from holdback.engine.bytes_cursor import Change, apply
from holdback.engine.frame import Frame, taken_apart
from holdback.engine.frames import Framer
from holdback.engine.framing import Framing
from holdback.engine.messages import Message


def with_changes(frame: Frame | Message, changes: list[Change]) -> bytes:
    return apply(frame.bytes, frame.changes(changes))


def framed(reads: Iterable[bytes], framing: Framing = Framing.EVENTS, **options: Any) -> list[bytes]:
    """The frames of a stream, and what is left at its end."""
    framer = Framer(framing, options.pop("limit", 1 << 20), skip_oversized=True)
    found = []
    for data in reads:
        taken = framer.feed(data)
        while isinstance(taken, tuple):
            found += [piece for piece in taken[:2] if piece]
            taken = framer.feed(b"")
        found += [taken] if taken else []
    rest = framer.take_rest()
    return found + ([rest] if rest else [])


# bytes, where the event that begins there ends
ENDS = {
    "LF": (b"data: x\n\nrest", 9),
    "CR": (b"data: x\r\rrest", 9),
    "CRLF": (b"data: x\r\n\r\nrest", 11),
    "LF CRLF": (b"x\n\r\nrest", 4),
    "CRLF LF": (b"x\r\n\nrest", 4),
    "CRLF CR": (b"x\r\n\rrest", 4),
    "CR CRLF": (b"x\r\r\nrest", 4),
    "LF CR": (b"x\n\rrest", 3),
    "LF CR, and nothing behind": (b"x\n\r", 3),
    "the LF behind a CR is part of it": (b"x\n\r\n", 4),
    "an empty line of its own": (b"\ndata: x\n\n", 1),
    "an empty CRLF": (b"\r\ndata: x\n\n", 2),
    "an empty CR": (b"\rdata: x\n\n", 1),
    "the first of two": (b"a\n\nb\n\n", 3),
    "a CR before a later LF LF": (b"a\r\rb\n\n", 3),
    "a CR that ends a line only": (b"a\rb\n\n", 5),
    "one line": (b"data: x\n", -1),
    "a CR that may become CRLF": (b"data: x\r", -1),
    "a CRLF alone": (b"data: x\r\n", -1),
    "nothing": (b"", -1),
}


@pytest.mark.parametrize("name", ENDS)
def test_where_an_event_ends(name: str) -> None:
    data, end = ENDS[name]
    first = framed([data])[0] if data else b""
    assert first == (data if end < 0 else data[:end])
    assert framed([b"before\n\n" + data])[1:2] == ([first] if data else [])


@pytest.mark.parametrize(("data", "end"), [(b"a\nb\n", 2), (b"a\r\n", 3), (b"a\rb", 3), (b"b\n", 2)])
def test_where_a_line_ends(data: bytes, end: int) -> None:
    assert framed([data], Framing.LINES)[0] == data[:end]


PIECES = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: x", b"a:", b":", b": x"]), max_size=14).map(
    b"".join
)


@strategies.examples(3)
@given(PIECES)
def test_events_end_where_the_standard_says(data: bytes) -> None:
    assert framed([data]) == wires.frames(data, lines=False)


@strategies.examples(2)
@given(PIECES, st.randoms(use_true_random=False), st.sampled_from([1 << 20, 3]))
def test_frames_are_the_same_in_any_cut(data: bytes, rng: Random, limit: int) -> None:
    for marks in wires.marks(rng, data):
        reads = wires.pieces(data, marks)
        assert b"".join(framed(reads, limit=limit)) == data
        if limit > 3:
            joined = [frame for frame in framed(reads) if frame != b"\n"]
            whole = [
                frame.removesuffix(b"\n") if frame.endswith(b"\r\n") else frame for frame in framed([data])
            ]
            cut = [frame.removesuffix(b"\n") if frame.endswith(b"\r\n") else frame for frame in joined]
            assert cut == [frame for frame in whole if frame != b"\n"]


ARRAYS = {
    "objects": (b'[{"a":1},\r\n{"b":[2,"]"]}\n]\n', [b"[", b'{"a":1}', b',\r\n{"b":[2,"]"]}', b"\n]", b"\n"]),
    "others": (
        b'\xef\xbb\xbf [ 1 , "x\\"]", [] ]',
        [b"\xef\xbb\xbf [", b" 1 ", b', "x\\"]"', b", []", b" ]"],
    ),
    "nothing": (b"[ ]", [b"[", b" ]"]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_the_elements_of_an_array(name: str) -> None:
    data, frames = ARRAYS[name]
    assert framed([data], Framing.ELEMENTS) == frames
    assert framed(wires.every(data, 1), Framing.ELEMENTS) == frames


# ---------------------------------------------------------------- what a frame carries

# frame, its data, whether it is named, whether it is nothing but data
FRAMES: dict[str, tuple[bytes, bytes | None, bool, bool]] = {
    "plain": (b"data: x\n\n", b"x", False, True),
    "no space": (b"data:x\n\n", b"x", False, True),
    "one space is taken": (b"data:  x\n\n", b" x", False, True),
    "a tab is not": (b"data:\tx\n\n", b"\tx", False, True),
    "named": (b"event: e\ndata: x\n\n", b"x", True, False),
    "a comment": (b": c\ndata: x\n\n", b"x", False, False),
    "two lines": (b"data: x\r\ndata: y\r\n\r\n", b"x\ny", False, True),
    "an empty one between": (b"data: x\rdata\rdata:\rdata: y\r\r", b"x\n\n\ny", False, True),
    "a CR between two lines": (b"data: x\rdata: y\n\n", b"x\ny", False, True),
    "no colon": (b"data\n\n", b"", False, True),
    "no data": (b"event: e\nid: 3\n\n", None, True, False),
    "only a comment": (b":\n\n", None, False, False),
    "an empty line": (b"\n", None, False, True),
    "another field": (b"datax: y\n data: y\n\n", None, False, False),
    "unterminated": (b"data: x", b"x", False, True),
    "a separator that is none": (
        "data: a\u2028\u0085\x0b\n\n".encode(),
        "a\u2028\u0085\x0b".encode(),
        False,
        True,
    ),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_a_frame_carries(name: str) -> None:
    data, source, named, only_data = FRAMES[name]
    frame = taken_apart(data, Framing.EVENTS, first=False)
    assert (frame.source, frame.has_name, frame.only_data, frame.bytes) == (source, named, only_data, data)
    assert taken_apart(wires.BOM + data, Framing.EVENTS, first=True).source == source


@pytest.mark.parametrize(
    ("data", "newline"),
    [
        (b"data: x\n\n", b"\n"),
        (b"data: x\r\r", b"\r"),
        (b"data: x\r\ndata: y\n\n", b"\r\n"),
        (b": c\ndata: y\r\n\r\n", b"\n"),
        (b"data: x", b""),
    ],
    ids=["LF", "CR", "CRLF then LF", "LF then CRLF", "none"],
)
def test_lines_end_as_the_first_one_does(data: bytes, newline: bytes) -> None:
    assert taken_apart(data, Framing.EVENTS, first=False).newline == newline


def test_a_bom_in_the_middle_is_part_of_a_name() -> None:
    assert taken_apart(wires.BOM + b"data: x\n\n", Framing.EVENTS, first=False).source is None


@pytest.mark.parametrize("name", [name for name in FRAMES if FRAMES[name][1]])
def test_a_change_reaches_only_its_span(name: str) -> None:
    data, source, *_ = FRAMES[name]
    assert source is not None
    at = source.index(source.strip()[:1])
    frame = taken_apart(data, Framing.EVENTS, first=False)
    changed = with_changes(frame, [(at, at + 1, b"CHANGED")])
    place = data.rindex(b":") + 1 if b"\n" not in source else data.index(b"x")
    place = data.index(source[at : at + 1], place)
    assert changed == data[:place] + b"CHANGED" + data[place + 1 :]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_a_change_over_several_lines_keeps_their_beginnings(newline: bytes) -> None:
    data = newline.join([b"data: [1,", b"id: 7", b"data:  2,", b"data:3]", b"", b""])
    frame = taken_apart(data, Framing.EVENTS, first=False)
    assert frame.source == b"[1,\n 2,\n3]"

    def changed(begin: bytes, end: bytes, value: bytes) -> bytes:
        assert frame.source is not None
        return with_changes(frame, [(frame.source.index(begin), frame.source.index(end) + 1, value)])

    assert changed(b"2", b"2", b"X") == data.replace(b"2", b"X")
    for value in (b"X", b"X\nY", b"X\nY\nZ", b"W\nX\nY\nZ"):
        out = taken_apart(changed(b"1", b"3", value), Framing.EVENTS, first=False)
        assert out.source == b"[" + value + b"]"
    end = newline + newline
    all_three = newline.join([b"data: [X", b"id: 7", b"data: Y", b"data:Z]"]) + end
    assert changed(b"1", b"3", b"X\nY\nZ") == all_three
    only_two = newline.join([b"data: [X", b"id: 7", b"data: Y", b"data: Z,", b"data:3]"]) + end
    assert changed(b"1", b"2", b"X\nY\nZ") == only_two


@pytest.mark.parametrize("first", [False, True])
def test_a_line_is_its_own_data(first: bool) -> None:
    mark = wires.BOM if first else b""
    frame = taken_apart(mark + b'{"a":1}\r\n', Framing.LINES, first=first)
    assert frame.source == b'{"a":1}\r\n'
    assert with_changes(frame, [(5, 6, b"22")]) == mark + b'{"a":22}\r\n'


def test_nothing_is_decoded() -> None:
    frame = taken_apart(b"data: \xff\xfe\n\n", Framing.EVENTS, first=False)
    assert frame.source == b"\xff\xfe"
