"""Texts in pieces, for hosts whose objects are no wire format: as if each channel had been restored by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdback import DeanonymizationConfig
from holdback.integrations.pieces import Pieces
from oracle import restore

PAIRS = {"<A_1>": 'Ada "A" <', "<A_12>": "\\\n", "<": "lt"}


TEXT = st.lists(st.sampled_from([*PAIRS, "<A", "_1", ">", "a"]), max_size=6).map("".join)


@given(text=TEXT, cuts=st.lists(st.integers(1, 4), max_size=20))
def test_a_text_in_any_cut_is_the_whole_one(text: str, cuts: list[int], backend: str) -> None:
    pieces, at, said = Pieces(PAIRS), 0, ""
    for cut in (*cuts, len(text) + 1):
        pieces.feed("a", "text", text[at : at + cut])
        at += cut
        said += pieces.taken().get("a", "")
    pieces.end_all()
    assert said + pieces.taken().get("a", "") == restore(PAIRS, text) == Pieces(PAIRS).whole("text", text)


def joined(said: dict[int, str], pieces: Pieces) -> dict[int, str]:
    left = pieces.taken()
    return {channel: text + left.get(channel, "") for channel, text in said.items()}


@given(texts=st.lists(TEXT, min_size=2, max_size=3), size=st.integers(1, 5))
def test_calls_that_take_turns_are_whole_documents(texts: list[str], size: int, backend: str) -> None:
    sources = [json.dumps({"to": text}) for text in texts]
    pieces, said = Pieces(PAIRS), dict.fromkeys(range(len(sources)), "")
    for at in range(0, max(map(len, sources)), size):
        for channel, source in enumerate(sources):
            pieces.feed(channel, "arguments", source[at : at + size], "mail" if at == 0 else "")
        said = joined(said, pieces)
    pieces.end_all()
    said = joined(said, pieces)
    expected = [{"to": restore(PAIRS, text)} for text in texts]
    assert [json.loads(source) for source in said.values()] == expected
    assert [Pieces(PAIRS).value({"to": text}) for text in texts] == expected


def test_a_text_ends_where_another_begins(backend: str) -> None:
    pieces = Pieces({"<A_1>": "Ada"})
    pieces.feed("a", "text", "Hi <A_1")
    assert pieces.taken() == {"a": "Hi "}
    pieces.feed("b", "arguments", '{"to": "<A_1')
    pieces.feed("a", "text", ">")
    assert pieces.taken() == {"a": "<A_1>", "b": '{"to": "'}
    pieces.feed("b", "arguments", '>"}')
    assert pieces.taken() == {"b": 'Ada"}'}


@pytest.mark.parametrize("mapping", [None, {}])
def test_without_a_mapping_all_passes(mapping: Any, backend: str) -> None:
    pieces = Pieces(mapping)
    pieces.feed("a", "text", "<A_1>")
    assert pieces.taken() == {"a": "<A_1>"}
    value = {"to": ["<A_1>", 1.0, None]}
    assert pieces.value(value) is value


def test_signed_text_is_restored_on_demand_alone(backend: str) -> None:
    for config, said in ((None, "<A_1>"), (DeanonymizationConfig(reasoning=True), PAIRS["<A_1>"])):
        assert Pieces(PAIRS, config).whole("signed", "<A_1>") == said
