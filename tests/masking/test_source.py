"""JSON source is written back byte by byte, but for the literals of what changed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback.masking import _source
from holdback.masking._source import Members, Number

SCALARS = st.sampled_from([
    '"x"', '"y"', '"\\u0078"', '"\\ud83d"', '"a\\"]},x"', '"é€"', '""', "1", "-0.50", "1E+2", "NaN", "-Infinity",
    "123456789012345678901234567890", "true", "null",
])  # fmt: skip
BLANKS = st.sampled_from(["", " ", "\n\t", "\r\n  "])


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    members = draw(
        st.lists(st.tuples(st.sampled_from(['"a"', '"x"', '"\\u0061"', '"b c"']), inner), max_size=4)
    )
    blank = draw(BLANKS)
    return (
        "{"
        + blank
        + f",{blank}".join(f"{name}{blank}:{blank}{value}{blank}" for name, value in members)
        + "}"
    )


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    blank = draw(BLANKS)
    return f"[{blank}" + f"{blank},{blank}".join(draw(st.lists(inner, max_size=4))) + f"{blank}]"


SOURCES = st.recursive(SCALARS, lambda inner: st.one_of(objects(inner), arrays(inner)), max_leaves=12)


def changed(node: Any, old: str, new: str) -> Any:
    """A tree in which that text, as a value and as a name, is another; the same nodes where nothing changed."""
    if isinstance(node, Members):
        pairs = Members((new if name == old else name, changed(value, old, new)) for name, value in node)
        same = all(a is c and b is d for (a, b), (c, d) in zip(node, pairs, strict=True))
        return node if same else pairs
    if isinstance(node, list):
        items = [changed(item, old, new) for item in node]
        return node if all(a is b for a, b in zip(node, items, strict=True)) else items
    return new if node == old else node


@given(SOURCES, BLANKS, st.sampled_from(["<P_1>", 'a "quoted"\n\\', "\ud800", "é"]))
def test_only_literals_change(source: str, blank: str, new: str) -> None:
    source = blank + source + blank
    tree = _source.read(source)
    assert _source.write(source, tree, tree) == source
    written = _source.write(source, tree, changed(tree, "x", new))
    expected = re.sub(
        r'"(?:[^"\\]|\\.)*"',
        lambda found: (
            _source.literal(new, ascii_only=source.isascii()) if json.loads(found[0]) == "x" else found[0]
        ),
        source,
    )
    assert written == expected
    assert json.dumps(_source.read(written)) == json.dumps(changed(tree, "x", new))


def test_a_number_becomes_a_literal() -> None:
    source = '[4.20, {"a":42}]'
    tree = _source.read(source)
    assert _source.write(source, tree, ["<P_1>", Members([("a", "<P_2>")])]) == '["<P_1>", {"a":"<P_2>"}]'


@pytest.mark.parametrize(
    ("spelling", "texts"),
    [
        ("1.50", ["1.50", "1.5"]),
        ("1E2", ["1E2", "100.0"]),
        ("-0", ["-0", "0"]),
        ("NaN", ["NaN"]),
        ("9" * 5000, ["9" * 5000]),
    ],
)
def test_a_number_is_known_by_its_spellings(spelling: str, texts: list[str]) -> None:
    assert Number(spelling).spellings() == set(texts)


def test_nothing_is_lost_of_duplicates() -> None:
    assert _source.read('{"a": 1, "a": {"b": 2, "b": 2}}') == [("a", "1"), ("a", [("b", "2"), ("b", "2")])]
