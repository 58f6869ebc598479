"""Splicing: the values that were asked for change, and not a byte beside them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
import wires
from holdback.chunks import Edit, with_edits
from holdback.splice import splice


def never(source: str) -> str:
    raise AssertionError("there is no document here")


CASES: dict[str, tuple[str, list[Edit], str]] = {
    "a member": ('{"a": "x", "b":1.0}', [(("a",), "y")], '{"a": "y", "b":1.0}'),
    "deep": ('{"a":[{"b":"x"},\n{"b" :\t"x"}]}', [(("a", 1, "b"), "y")], '{"a":[{"b":"x"},\n{"b" :\t"y"}]}'),
    "several": ('["x", "x","x"]', [((2,), "z"), ((0,), "y")], '["y", "x","z"]'),
    "an element of a list": ('{"a":["x",2]}', [(("a", 0), "y")], '{"a":["y",2]}'),
    "null becomes a string": ('{"a":null}', [(("a",), "y")], '{"a":"y"}'),
    "a number becomes a string": ('{"a":1.0e5 }', [(("a",), "y")], '{"a":"y" }'),
    "a missing member": ('{ "b":1}', [(("a",), "y")], '{"a":"y", "b":1}'),
    "a missing member of an empty object": ("{ }", [(("a",), "y")], '{"a":"y" }'),
    "two missing members": ('{"c":1}', [(("a",), "y"), (("b",), "z")], '{"a":"y","b":"z","c":1}'),
    "a missing node": ('{"b":1}', [(("a", "c"), "y")], '{"a":{"c":"y"},"b":1}'),
    "a null node": ('{"a": null }', [(("a", "c"), "y")], '{"a": {"c":"y"} }'),
    "a missing element": ("[1 , 2 ]", [((2,), "y")], '[1 , 2,"y" ]'),
    "a missing element of an empty list": ("[ ]", [((0,), "y")], '[ "y"]'),
    "two missing elements": ("[1]", [((1,), "y"), ((2,), "z")], '[1,"y","z"]'),
    "a name that is escaped": (r'{"\u0061\"":"x"}', [(('a"',), "y")], r'{"\u0061\"":"y"}'),
    "a name that is there twice": ('{"a":"x","a":"z"}', [(("a",), "y")], '{"a":"x","a":"y"}'),
    "twice, of another kind": ('{"a":[[]],"a":{"b":"x"}}', [(("a", "b"), "y")], '{"a":[[]],"a":{"b":"y"}}'),
    "twice, a list first": ('{"a":{"0":1},"a":["x"]}', [(("a", 0), "y")], '{"a":{"0":1},"a":["y"]}'),
    "brackets in strings": ('{"b":"}]\\"{[","a":"x"}', [(("a",), "y")], '{"b":"}]\\"{[","a":"y"}'),
    "a string of backslashes": ('{"b":"\\\\","a":"x"}', [(("a",), "y")], '{"b":"\\\\","a":"y"}'),
    "what must be escaped": ('["x"]', [((0,), '"\\\n\u2028é😀\ud83d')], '["\\"\\\\\\n\\u2028é😀\\ud83d"]'),
    "blanks around": (' \r\n["x"]\t', [((0,), "y")], ' \r\n["y"]\t'),
}


@pytest.mark.parametrize("name", CASES)
def test_splice(name: str) -> None:
    source, edits, expected = CASES[name]
    out = splice(source.encode(), edits, never).decode()
    assert out == expected
    assert json.loads(out) == with_edits(json.loads(source), edits)


def test_a_document_is_restored_as_its_source() -> None:
    source = b'{"a": {"x" : 1.0, "<P>": ["<P>"]}, "b": null}'
    edits: list[Edit] = [(("a",), {"x": 1.0, "Ada": ["Ada"]}), (("b",), ["new"])]
    out = splice(source, edits, lambda text: text.replace("<P>", "Ada"))
    assert out == b'{"a": {"x" : 1.0, "Ada": ["Ada"]}, "b": ["new"]}'


def test_a_list_is_a_document_too() -> None:
    source = b'{"a": [1.0,  "<P>"]}'
    out = splice(source, [(("a",), [1.0, "Ada"])], lambda text: text.replace("<P>", "Ada"))
    assert out == b'{"a": [1.0,  "Ada"]}'


def test_a_document_that_restores_to_a_lone_half() -> None:
    out = splice(b'[{"a":1}]', [((0,), {"a": 2})], lambda text: '{"a":"\ud83d"}')
    assert json.loads(out) == [{"a": "\ud83d"}]


def test_deep_nesting_beside_an_edit() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    source = f'{{"b":{deep},"a":"x"}}'.encode()
    assert splice(source, [(("a",), "y")], never) == source.replace(b'"x"', b'"y"')


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.floats(allow_nan=False))
NODES = st.recursive(
    LEAVES,
    lambda node: st.one_of(
        st.lists(node, max_size=3), st.dictionaries(st.sampled_from("abé\n"), node, max_size=3)
    ),
    max_leaves=12,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all leaves, and of a member that is not there."""
    if isinstance(node, dict):
        found = [place for name, inner in node.items() for place in places(inner, (*path, name))]
        return [*found, (*path, "new")]
    if isinstance(node, list):
        found = [place for index, inner in enumerate(node) for place in places(inner, (*path, index))]
        return [*found, (*path, len(node))]
    return [path] if path else []


@strategies.examples(2)
@given(node=st.dictionaries(st.sampled_from("abé"), NODES, max_size=3), rng=st.randoms(use_true_random=False))
def test_splicing_is_loading_editing_and_dumping(node: dict[str, Any], rng: Random) -> None:
    source = wires.spelled(node, rng)
    if "\ud800" <= max(source) <= "\udfff":
        return
    came = json.loads(source)
    found = places(came)
    edits = [
        (path, rng.choice(('q"', "", "é\n")))
        for path in rng.sample(found, rng.randint(1, min(4, len(found))))
    ]
    out = splice(source.encode(), edits, never)
    assert json.loads(out) == with_edits(came, edits)
    if all(path[-1] != "new" and _is_there(came, path) for path, _ in edits):
        kept = _without(json.loads(out), edits)
        assert kept == _without(came, edits)


def _is_there(node: Any, path: tuple[Any, ...]) -> bool:
    for name in path:
        if isinstance(node, list) and name >= len(node):
            return False
        node = node[name]
    return True


def _without(node: Any, edits: list[Any]) -> Any:
    return with_edits(node, [(path, "") for path, _ in edits])
