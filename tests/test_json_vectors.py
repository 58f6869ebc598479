"""The vectors themselves are right: every expected value is what the independent oracles say."""

from __future__ import annotations

import re

import pytest

from json_oracle import JsonOracle, Result
from oracle import can_become_a_key, restore
from text_vectors import EVERY, Vector, load

every_vector = pytest.mark.parametrize("vector", EVERY)


@every_vector
def test_the_joined_output_is_the_oracles(vector: Vector) -> None:
    pairs, source = dict(vector["pairs"]), "".join(vector["chunks"])
    expected = JsonOracle(pairs).restore(source) if vector["json"] else restore(pairs, source)
    assert "".join(vector["feeds"]) + vector["flush"] == expected


@every_vector
def test_what_leaves_and_what_is_held_after_each_chunk(vector: Vector) -> None:
    oracle = JsonOracle(dict(vector["pairs"]))
    emitted = oracle.emitted if vector["json"] else oracle.emitted_of_text
    source = out = ""
    for chunk, feed, pending in zip(vector["chunks"], vector["feeds"], vector["pending"], strict=True):
        source, out = source + chunk, out + feed
        assert Result(out, pending) == emitted(source)
        assert vector["json"] or can_become_a_key(oracle.originals, pending)


@pytest.mark.parametrize("number", range(1, 18))
def test_every_tricky_split_has_vectors(number: int) -> None:
    """The splits of JSON source that are known to break restorers, by their number in the list we keep."""
    names = [vector["name"] for vector in load("json.json")]
    assert sum(bool(re.match(rf"{number} ", name)) for name in names) >= 2


def test_names_are_unique() -> None:
    names = [vector["name"] for file in ("json.json", "plain.json") for vector in load(file)]
    assert len(names) == len(set(names))
