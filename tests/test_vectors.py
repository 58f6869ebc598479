"""``tests/vectors/*.json`` on both twins: what each feed returns, what stays pending, what flush returns.

The Rust core reads the same files (``cargo test``). A file is a JSON array of objects in ASCII::

    {"name": str, "json": bool, "pairs": [[key, original], ...], "chunks": [str, ...],
     "feeds": [str, ...], "pending": [str, ...], "flush": str}

with one entry of ``feeds`` and ``pending`` per chunk. Strings may hold lone surrogates.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import pytest

from holdback import _backend

FOLDER = Path(__file__).parent / "vectors"


class Vector(TypedDict):
    name: str
    json: bool
    pairs: list[tuple[str, str]]
    chunks: list[str]
    feeds: list[str]
    pending: list[str]
    flush: str


def load(file: str) -> list[Vector]:
    vectors: list[Vector] = json.loads((FOLDER / file).read_text(encoding="ascii"))
    return vectors


FILES = sorted(path.name for path in FOLDER.glob("*.json"))
EVERY = [
    pytest.param(
        vector, id=f"{file.removesuffix('.json')}-{vector['name'].encode('unicode_escape').decode()}"
    )
    for file in FILES
    for vector in load(file)
]
every_vector = pytest.mark.parametrize("vector", EVERY)


def test_the_files_are_there() -> None:
    assert {"json.json", "plain.json"} <= set(FILES)


@every_vector
def test_feeds_pending_and_flush(backend: str, vector: Vector) -> None:
    stream = _backend.TrieMatcher(dict(vector["pairs"])).stream(json=vector["json"])
    for _ in range(2):  # flush resets: the second answer on the same stream is the first
        seen = [(stream.feed(chunk), stream.pending) for chunk in vector["chunks"]]
        assert seen == list(zip(vector["feeds"], vector["pending"], strict=True))
        assert stream.flush() == vector["flush"]
        assert stream.pending == ""


@every_vector
def test_whole_and_one_unit_at_a_time(backend: str, vector: Vector) -> None:
    matcher = _backend.TrieMatcher(dict(vector["pairs"]))
    source = "".join(vector["chunks"])
    expected = "".join(vector["feeds"]) + vector["flush"]
    assert matcher.replace(source, json=vector["json"]) == expected
    stream = matcher.stream(json=vector["json"])
    assert "".join(map(stream.feed, source)) + stream.flush() == expected
