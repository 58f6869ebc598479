"""The walk of an event by a shape: both twins find the same, whatever comes twice, and what that costs."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import walk_vectors
from conftest import BUILT
from holdback.engine.bytes_cursor import Reading, read
from holdback.engine.shapes import KEEPS, OTHER, ByType, Shapes, address, event, latest, place, text
from strategies import examples

NESTED: dict[Any, Any] = {
    "a": (place("one"), place("other"), {"text": text("said", "of"), OTHER: KEEPS}),
    "of": address("of"),
    "n": latest("n"),
    "e": event("e"),
}
SHAPES = Shapes(
    {
        **NESTED,
        "list": [(place("element"), {**NESTED, "deep": NESTED})],
        "kind": ByType({"x": {"text": text("of x", "of")}, OTHER: NESTED}),
    }
)
NAMES = st.sampled_from(["a", "of", "n", "e", "text", "list", "deep", "kind", "type", r"\u0061", "other"])
SCALARS = st.sampled_from(
    ['"x"', '""', "null", "1", "0", "-0", "0.0", "1e-999", "true", "false", r'"\u0078"', r'"\":"', '"text"']
)
SOURCES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{','.join(values)}]")
        | st.lists(st.tuples(NAMES, inner), max_size=6).map(
            lambda members: "{" + ",".join(f'"{name}":{value}' for name, value in members) + "}"
        )
    ),
    max_leaves=20,
)


def in_every_way(shapes: Shapes, source: bytes) -> Reading | None:
    pure = spans(shapes, source, natively=False)
    if "native" in BUILT:
        assert spans(shapes, source, natively=True) == pure
    return pure


def spans(shapes: Shapes, source: bytes, *, natively: bool) -> Reading | None:
    """The marks, with spans, and the addresses."""
    found = read(shapes, source, natively=natively)
    if found is None:
        return None
    marks = [(slot, at, value, found.span(where)) for slot, at, value, where in found.marks]
    return marks, dict(found.addresses)


@examples(1)
@given(SOURCES)
def test_the_twins_find_the_same(source: str) -> None:
    in_every_way(SHAPES, source.encode())


def test_of_members_of_one_name_the_last_counts() -> None:
    source = b'{"of":1,"a":{"text":"x"},"of":{},"a":{"text":"y","text":"z"},"n":1,"n":null}'
    found = in_every_way(SHAPES, source)
    assert found is not None
    marks, addresses = found
    assert [(mark[0].name, mark[2]) for mark in marks] == [("one", None), ("other", None), ("said", "z")]
    assert addresses == {}


def test_several_places_at_once() -> None:
    found = in_every_way(SHAPES, b'{"a":{"text":"x"}}')
    assert found is not None
    assert [(mark[0].name, mark[3]) for mark in found[0]] == [
        ("one", (5, 17)),
        ("other", (5, 17)),
        ("said", (13, 16)),
    ]


def calls(depth: int) -> int:
    """How many functions are called for objects in one another that all have one name twice."""
    shape: Any = text("said")
    source = '"x"'
    for _ in range(depth):
        shape, source = {"a": shape}, f'{{"a":1,"a":{source}}}'
    shapes, data, count = Shapes(shape), source.encode(), 0

    def trace(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        assert read(shapes, data, natively=False) is not None
    finally:
        sys.setprofile(before)
    return count


def test_names_that_come_twice_cost_the_same_at_every_depth() -> None:
    assert calls(40) < 5 * calls(10)


@pytest.mark.parametrize("length", [7, 8, 9, 127, 128, 129, 135, 136, 137, 200])
def test_where_a_string_ends_does_not_depend_on_its_length(length: int) -> None:
    for at in range(length + 1):
        for piece, means in (
            ("", ""),
            ("\x7f", "\x7f"),
            ("é", "é"),
            (r"\"", '"'),
            (r"\\", "\\"),
            ("\x1f", None),
        ):
            value = "x" * at + piece + "x" * (length - at)
            found = in_every_way(SHAPES, f'{{"e":"{value}"}}'.encode())
            said = None if found is None else found[0][0][2]
            assert said == (None if means is None else value.replace(piece, means))


@pytest.mark.parametrize("source", [b"", b"[]", b"1", b'{"a":}', b'{"a":1}x', b'{"a":"\xff"}'])
def test_what_is_no_event(source: bytes) -> None:
    assert in_every_way(SHAPES, source) is None


def test_the_vectors_of_the_walk_are_what_their_tool_makes() -> None:
    there = {path.name: path.read_text(encoding="ascii") for path in walk_vectors.FOLDER.iterdir()}
    assert there == walk_vectors.files(), "write them anew: `python tools/walk_vectors.py`"
