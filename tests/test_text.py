"""Text completions: one channel per choice, every chunk forwarded."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from strategies import cuts
from streams import PAIRS, TEXT_ENVELOPE, heard, restore, text

TEXT = "Hi <PERSON_1>, <PERSON_10>! Ann Lee met Anna; <PERSON_2><EMAIL_1> <PERSON_3> a<b <PERS"
RESTORED = oracle.restore(PAIRS, TEXT)
ENDS: dict[str, list[Any]] = {
    "finish": [text("", "stop")],
    "finish with null": [text(None, "length")],
    "finish without text": [{**TEXT_ENVELOPE, "choices": [{"index": 0, "finish_reason": "stop"}]}],
    "finish with a number": [
        {**TEXT_ENVELOPE, "choices": [{"index": 0, "text": 7, "finish_reason": "stop"}]}
    ],
    "none": [],
    "error": [{"error": {"message": "overloaded"}}],
}


def through(chunks: list[Any]) -> list[Any]:
    before = copy.deepcopy(chunks)
    out = restore(chunks, protocol="openai-text")
    assert chunks == before, "the caller's chunks were changed"
    return out


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("pieces", [[TEXT], list(TEXT)], ids=["whole", "units"])
def test_a_text_whole_and_by_the_unit(pieces: list[str], end: str, backend: str) -> None:
    assert heard(through([text(piece) for piece in pieces] + ENDS[end])) == {(0, "text"): RESTORED}


@given(data=st.data())
def test_choices_cut_and_interleaved_at_random(data: st.DataObject) -> None:
    queues = {index: data.draw(cuts(TEXT)) for index in range(3)}
    chunks = []
    while queues:
        index = data.draw(st.sampled_from(sorted(queues)))
        chunks.append(text(queues[index].pop(0), index=index))
        queues = {index: rest for index, rest in queues.items() if rest}
    chunks += data.draw(st.sampled_from(list(ENDS.values())))
    out = through(chunks)
    assert heard(out) == {(index, "text"): RESTORED for index in range(3)}
    assert len(out) >= len(chunks)


def test_every_chunk_is_forwarded(backend: str) -> None:
    assert through([text("<PER"), text("SON"), text("_2>"), text("")]) == [
        text(""),
        text(""),
        text("Bo"),
        text(""),
    ]


def test_an_unchanged_chunk_is_the_same_object(backend: str) -> None:
    chunks = [
        text("hello"),
        text(None),
        text("", "stop"),
        text(None, "stop"),
        {**TEXT_ENVELOPE, "choices": []},
    ]
    assert all(a is b for a, b in zip(through(chunks), chunks, strict=True))


def test_the_tail_stands_on_the_finish_chunk(backend: str) -> None:
    assert through([text("a <PE"), text("RS", "length")]) == [text("a "), text("<PERS", "length")]
    assert through([text("a <PE"), text(None, "length")]) == [text("a "), text("<PE", "length")]


def test_a_null_text_stays_null_if_there_is_nothing_to_add(backend: str) -> None:
    assert through([text("a"), text(None, "stop")]) == [text("a"), text(None, "stop")]


def test_text_after_the_finish_is_drained(backend: str) -> None:
    assert through([text("a", "stop"), text("<PERSON_2> <P")]) == [
        text("a", "stop"),
        text("Bo "),
        {**TEXT_ENVELOPE, "choices": [{"index": 0, "text": "<P", "finish_reason": None}]},
    ]


def test_logprobs_and_offsets_stay_as_sent(backend: str) -> None:
    chunk = text("<PERSON_2>")
    chunk["choices"][0]["logprobs"] = {
        "tokens": ["<PERSON_2>"],
        "text_offset": [3],
        "top_logprobs": [{"<PERSON_2>": 0}],
    }
    (out,) = through([chunk])
    assert out["choices"][0]["text"] == "Bo"
    assert out["choices"][0]["logprobs"] is chunk["choices"][0]["logprobs"]


@pytest.mark.parametrize(
    "chunk",
    [
        {},
        {"choices": None},
        {"choices": 7},
        {"choices": [None, 7, {}, {"text": 7}, {"text": ["<PERSON_2>"]}]},
        b"x",
        "x",
        7,
        None,
    ],
    ids=str,
)
def test_odd_shapes_pass_unread(chunk: Any, backend: str) -> None:
    (out,) = restore([chunk], protocol="openai-text")
    assert out is chunk


def test_a_choice_without_index_goes_by_position(backend: str) -> None:
    chunks = [{"choices": [{"text": a}, {"text": b}]} for a, b in (("<PERS", "b"), ("ON_2>", "c"))]
    assert through(chunks) == [
        {"choices": [{"text": ""}, {"text": "b"}]},
        {"choices": [{"text": "Bo"}, {"text": "c"}]},
    ]
