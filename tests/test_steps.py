"""``tests/vectors/steps/*.json`` on both twins: streams that are settled or flushed in the middle.

The Rust core reads the same files (``cargo test``). A file is a JSON array of objects in ASCII::

    {"name": str, "words": bool, "json": false | true | "auto", "pairs": [[key, original], ...],
     "steps": [["feed" | "settle" | "flush", what is fed, what leaves, what is pending then], ...]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from conftest import BUILT, TWINS
from holdback import _backend

FOLDER = Path(__file__).parent / "vectors" / "steps"
EVERY = [
    pytest.param(vector, id=f"{path.stem}-{vector['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for vector in json.loads(path.read_text(encoding="ascii"))
]


@pytest.mark.parametrize("vector", EVERY)
def test_every_step(backend: str, vector: dict[str, Any]) -> None:
    stream = _backend.TrieMatcher(dict(vector["pairs"])).stream(json=vector["json"])
    verbs = {"feed": stream.feed, "settle": lambda _: stream._settle(), "flush": lambda _: stream.flush()}
    for step in vector["steps"]:
        verb, text, *_ = step
        assert [verb, text, verbs[verb](text), stream.pending] == step


JSON_BITS = [
    "<",
    "<P",
    "<P>",
    "\\",
    "\\u003",
    '"',
    '{"a":"',
    '["',
    '\\"',
    "[\\",
    "x",
    "\ud83d",
    "\\ud83d",
    ":",
]
PAIRS = {"<P>": 'a"b', "<P>x": "\\", '"<': "z", "[x": "y", "\U0001f600": "smile"}


@given(pieces=st.lists(st.sampled_from(JSON_BITS), max_size=12), more=st.lists(st.sampled_from(JSON_BITS)))
def test_a_settled_tail_is_the_flushed_one_and_the_document_goes_on(
    pieces: list[str], more: list[str]
) -> None:
    seen = []
    for name in BUILT:
        twin = TWINS[name]
        assert twin is not None
        for json in (False, True):
            settled, flushed = (twin.TrieMatcher(PAIRS).stream(json=json) for _ in range(2))
            for piece in pieces:
                assert settled.feed(piece) == flushed.feed(piece)
            held = settled.pending
            assert settled._settle() == flushed.flush()
            assert settled.pending == settled._settle() == ""
            rest = [(settled.feed(piece), settled.pending) for piece in more] + [(settled.flush(), "")]
            if not json:
                again = [(flushed.feed(piece), flushed.pending) for piece in more] + [(flushed.flush(), "")]
                assert rest == again
            elif not held:  # then it is as if nobody had settled
                for piece in pieces:
                    flushed.feed(piece)
                again = [(flushed.feed(piece), flushed.pending) for piece in more] + [(flushed.flush(), "")]
                assert rest == again
            seen.append((json, rest))
    assert len({repr(one) for one in seen}) == 2


@given(data=st.data(), text=st.text(st.sampled_from('ab<P>" \\'), max_size=12))
def test_a_document_that_is_settled_in_a_string_stays_a_document(data: st.DataObject, text: str) -> None:
    """What stands before and behind the settled place is restored by itself, each in its own string."""
    source = json.dumps({"a": text, "b": "<P>"})
    pieces = data.draw(strategies.cuts(source))
    for name in BUILT:
        twin = TWINS[name]
        assert twin is not None
        stream = twin.TrieMatcher({"<P>": 'a"b'}).stream(json=True)
        left = ""
        for piece in pieces:
            left += stream.feed(piece)
            if not stream.pending.endswith("\\") and "\\" not in stream.pending:
                left += stream._settle()
        parsed = json.loads(left + stream.flush())
        assert parsed["a"].replace('a"b', "<P>") == text or "<P>" in text
        assert parsed["b"] in ('a"b', "<P>")
