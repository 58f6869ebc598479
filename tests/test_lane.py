"""The bindings of shapes and lane; what they do is tested in Rust, and through ``WireRestorer``."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from holdback.engine.shapes import KEEPS, Emptied, Shapes, address, latest, text

if TYPE_CHECKING:
    from holdback import _native
else:
    _native = pytest.importorskip("holdback._native")

SHAPES = Shapes(
    {
        "choices": [
            {
                "index": address("choice", positional=True),
                "text": text("said", "choice", emptied=Emptied.EVENT),
            }
        ],
        "number": latest("number"),
        "usage": KEEPS,
    }
)
SAID, NUMBER = (
    next(slot.number for slot in SHAPES.slots if slot.name == name) for name in ("said", "number")
)


def event(said: str, choice: int = 0) -> bytes:
    return b'data: {"number":1.50,"choices":[{"index":%d,"text":"%b"}]}\n\n' % (choice, said.encode())


def new(*, limit: int = 1 << 20, skips: bool = True, offset: int = 0) -> _native.Lane:
    native = _native.Shapes(*SHAPES.table())
    return _native.Lane(native, framing="events", max_event_bytes=limit, skip_oversized=skips, offset=offset)


def with_channel() -> tuple[_native.Lane, _native.StreamBuffer, int]:
    lane, buffer = new(), _native.TrieMatcher({"<P>": 'Ada "A"'}).stream()
    channel = lane.open(buffer)
    lane.register(channel, SAID, (0,))
    return lane, buffer, channel


def test_what_leaves_unchanged_is_the_same_object() -> None:
    lane, buffer, _ = with_channel()
    data = event("Hi") + b": c\n"
    assert lane.feed(data) is data
    assert lane.feed(event("a <")) == event("a ")
    assert buffer.pending == "<"
    assert lane.feed(event("P>")) == event('Ada \\"A\\"')
    assert lane.feed(data[:5]) == b""
    assert lane.feed(data[5:]) == data
    assert lane.offset == len(data + event("a <") + event("P>") + data)


def test_an_event_without_a_frame() -> None:
    lane, buffer, _ = with_channel()
    bare = event("Hi é\u2028")[6:-2].decode()
    assert lane.feed_event(bare) is bare
    assert lane.feed_event(event("<")[6:-2].decode()) == ""
    assert buffer.pending == "<"
    assert lane.feed_event(event("P>")[6:-2].decode()) == event('Ada \\"A\\"')[6:-2].decode()
    assert lane.latest(NUMBER) == (b"1.50", True)
    assert lane.feed_event(event("Hi", 1)[6:-2].decode()) is None
    assert lane.feed_event('"\ud800"') is None
    assert (lane.offset, lane.manner) == (0, None)


def test_a_declined_frame_comes_with_its_reading() -> None:
    lane, _, channel = with_channel()
    other = event("Hi", 1)
    taken = lane.feed(event("<P>") + other + event("x"))
    assert isinstance(taken, tuple)
    out, frame, found = taken
    assert (out, frame) == (event('Ada \\"A\\"'), other)
    assert found is not None
    (marks, addresses), *how = found
    assert how == [other[6:-2], 6, b"\n", False, True]
    said = marks[1]
    assert (said[0].name, said[1], said[2]) == ("said", (0,), "Hi")
    assert other[6:][slice(*said[3])] == b'"Hi"'
    assert addresses == {("choice", (0,)): 1}
    lane.register(channel, SAID, (1,))
    assert lane.feed(b"") == event("x")
    assert lane.feed(other) == other
    assert lane.feed(b"data: [DONE]\n\n") == (b"", b"data: [DONE]\n\n", None)
    assert lane.manner == (b"\n", False)
    assert lane.latest(NUMBER) == (b"1.50", True)
    lane.note(NUMBER, b"2", False)
    assert lane.latest(NUMBER) == (b"2", False)


def test_an_event_that_is_too_large() -> None:
    lane = new(limit=10, skips=False, offset=7)
    assert lane.feed(b": c\n" + event("x")) == (b": c\n", b"", None)
    assert (lane.offset, lane.oversized, lane.take_rest()) == (11, 0, event("x"))
    lane = new(limit=10)
    assert lane.feed(event("x")[:20]) == event("x")[:20]
    assert (lane.feed(event("x")[20:]), lane.oversized) == (event("x")[20:], 1)


@pytest.mark.parametrize("values", [(...,), (10**30,), (1.0,), ("\ud800",), (None,)])
def test_addresses_of_any_type_that_json_has(values: tuple[Any, ...]) -> None:
    lane, _, channel = with_channel()
    lane.register(channel, SAID, values)
    lane.know(SAID, values)
    assert isinstance(lane.feed(event("x", 5)), bytes) == (values == (...,))


@pytest.mark.parametrize("values", [(True,), (b"",), ([],)])
def test_an_address_of_another_type(values: tuple[Any, ...]) -> None:
    lane, _, channel = with_channel()
    with pytest.raises(TypeError, match=r"an address must be str, int, float, None or \.\.\."):
        lane.register(channel, SAID, values)


def test_wrong_arguments() -> None:
    lane, _, channel = with_channel()
    with pytest.raises(TypeError, match=r"^feed\(\) takes bytes, not bytearray$"):
        lane.feed(bytearray())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^walk\(\) takes bytes, not str$"):
        _native.Shapes(*SHAPES.table()).walk("{}")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^the slot has another number of addresses$"):
        lane.register(channel, SAID, ())
    with pytest.raises(ValueError, match=r"^the table has no such slot$"):
        lane.know(99, ())
    lane.close(channel)
    with pytest.raises(ValueError, match=r"^the channel is not open$"):
        lane.forget(channel)
    slots, nodes, objects, root = SHAPES.table()
    with pytest.raises(ValueError, match=r"^the root is no node of the table$"):
        _native.Shapes(slots, nodes, objects, root + 100)
    with pytest.raises(ValueError, match="kinds of slots"):
        _native.Shapes([(None, "none", 0, [], False, "text")], nodes, objects, root)


def test_it_is_not_copied_and_shows_nothing() -> None:
    lane, _, _ = with_channel()
    lane.feed(event("<") + b"data: <")
    for copied in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError, match="a Lane holds text and is not pickled"):
            copied(lane)
    assert repr(lane) == f"Lane(offset={len(event('<'))})"


def test_threads_that_share_one_lane_wait_for_one_another() -> None:
    lane, buffer, _ = with_channel()
    with ThreadPoolExecutor(4) as pool:
        outs = list(pool.map(lane.feed, [event("a<P>b")] * 400))
    assert outs == [event('aAda \\"A\\"b')] * 400
    assert buffer.pending == ""
