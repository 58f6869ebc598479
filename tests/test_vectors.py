"""The vectors of texts on both twins: ``tests/vectors/*.json``, which ``text_vectors.py`` describes."""

from __future__ import annotations

import pytest

from holdback import _backend
from text_vectors import EVERY, FILES, Vector

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
