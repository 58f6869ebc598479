"""Chat chunks: channels, tails, suppression, odd shapes.

Every stream comes whole, by the unit, and cut at random.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from holdback import ChunkRestorer, TrieMatcher
from strategies import cuts
from streams import ENVELOPE, FIELDS, PAIRS, STOP, call, chat, heard, restore, say

TEXT = "Hi <PERSON_1>, <PERSON_10>! Ann Lee met Anna; <PERSON_2><EMAIL_1> <PERSON_3> a<b <PERS"
RESTORED = oracle.restore(PAIRS, TEXT)
Speak = Callable[[str], dict[str, Any]]
CHANNELS: dict[str, tuple[tuple[Any, ...], Speak]] = {
    **{field: ((0, field), partial(say, field=field)) for field in FIELDS},
    "choice 1": ((1, "content"), lambda text: say(text, index=1)),
    "parts": ((0, "content"), lambda text: say([{"type": "text", "text": text}])),
    "untyped parts": ((0, "content"), lambda text: say([{"text": text}])),
    "string parts": ((0, "content"), lambda text: say([text])),
    "audio": ((0, "audio"), lambda text: chat({"audio": {"transcript": text}})),
    "custom tool": (
        (0, "tool", 0),
        lambda text: chat({"tool_calls": [{"index": 0, "custom": {"input": text}}]}),
    ),
}
ENDS = {
    "finish": [STOP, chat({}, "stop", index=1)],
    "finish without delta": [
        {**ENVELOPE, "choices": [{"index": i, "finish_reason": "length"}]} for i in (0, 1)
    ],
    "finish with null delta": [chat(None, "stop"), chat(None, "stop", index=1)],
    "finish of both": [{**ENVELOPE, "choices": [*STOP["choices"], *chat({}, "stop", index=1)["choices"]]}],
    "none": [],
    "error": [{"error": {"message": "overloaded"}}],
    "usage": [{**ENVELOPE, "choices": [], "usage": {"total_tokens": 3}}],
}


def check(channel: str, pieces: list[str], end: str = "finish") -> None:
    key, speak = CHANNELS[channel]
    chunks = [speak(piece) for piece in pieces] + ENDS[end]
    before = copy.deepcopy(chunks)
    assert heard(restore(chunks)) == {key: RESTORED}
    assert chunks == before, "the caller's chunks were changed"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_whole_and_by_the_unit(channel: str, end: str, backend: str) -> None:
    check(channel, [TEXT], end)
    check(channel, list(TEXT), end)


@pytest.mark.parametrize("channel", CHANNELS)
@given(data=st.data())
def test_a_channel_cut_at_random(channel: str, data: st.DataObject) -> None:
    check(channel, data.draw(cuts(TEXT)), data.draw(st.sampled_from(list(ENDS))))


@given(data=st.data())
def test_channels_never_mix(data: st.DataObject) -> None:
    """Several channels of several choices, cut and interleaved at random, each come out whole."""
    names = ["content", "refusal", "choice 1", "audio", "custom tool"]
    queues = {name: data.draw(cuts(TEXT)) for name in data.draw(st.sets(st.sampled_from(names), min_size=2))}
    chunks = []
    while queues:
        name = data.draw(st.sampled_from(sorted(queues)))
        chunks.append(CHANNELS[name][1](queues[name].pop(0)))
        queues = {name: rest for name, rest in queues.items() if rest}
    said = {CHANNELS[name][0] for name in names if any(heard([c]).get(CHANNELS[name][0]) for c in chunks)}
    assert heard(restore(chunks + ENDS["finish"])) == dict.fromkeys(said, RESTORED)


@given(data=st.data())
def test_text_leaves_as_soon_as_a_buffer_lets_it(data: st.DataObject) -> None:
    restorer, buffer = ChunkRestorer(PAIRS), TrieMatcher(PAIRS).stream()
    for piece in data.draw(cuts(TEXT)):
        assert heard(restorer.feed(say(piece))).get((0, "content"), "") == buffer.feed(piece)


# ---- which object leaves


def test_an_unchanged_chunk_is_the_same_object(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    for chunk in (
        chat({"role": "assistant", "content": ""}),
        say("hello"),
        say("a [link](x) & b > c"),
        chat({"content": None}),
        chat({}, "stop"),
        {**ENVELOPE, "choices": [], "usage": {"total_tokens": 1}},
    ):
        (out,) = restorer.feed(chunk)
        assert out is chunk
    assert restorer.flush() == []


def test_a_changed_chunk_shares_what_did_not_change(backend: str) -> None:
    logprobs = {"content": [{"token": "<PERSON_2>"}]}
    chunk = {
        **chat({"role": "assistant", "content": "<PERSON_2>"}, logprobs=logprobs),
        "usage": {"total_tokens": 1},
    }
    before = copy.deepcopy(chunk)
    (out,) = restore([chunk])
    assert out == {
        **chat({"role": "assistant", "content": "Bo"}, logprobs=logprobs),
        "usage": {"total_tokens": 1},
    }
    assert out["choices"][0]["logprobs"] is logprobs
    assert out["usage"] is chunk["usage"]
    assert chunk == before


# ---- ends


def test_a_tail_stands_on_the_finish_chunk_itself(backend: str) -> None:
    chunks = [say("a <PERS"), say("r <PERS", "refusal"), chat({"content": None}, "length", logprobs=None)]
    assert restore(chunks) == [
        say("a "),
        say("r ", "refusal"),
        chat({"content": "<PERS", "refusal": "<PERS"}, "length", logprobs=None),
    ]


def test_text_and_tail_of_the_finish_chunk_are_in_order(backend: str) -> None:
    """Elsewhere the tail came before the text of its own chunk (`a <PERx `)."""
    assert restore([say("a "), chat({"content": "x <PER"}, "length")])[-1] == chat(
        {"content": "x <PER"}, "length"
    )
    assert restore([say("a <"), chat({"content": "PERSON_2> <PER"}, "stop")])[-1] == chat(
        {"content": "Bo <PER"}, "stop"
    )


@pytest.mark.parametrize(
    ("parts", "restored"),
    [
        ([{"type": "text", "text": "x <PER"}], [{"type": "text", "text": "x <PER"}]),
        (
            [
                {"type": "text", "text": "SON_2> "},
                {"type": "image_url", "image_url": {}},
                {"type": "text", "text": "<P"},
            ],
            [
                {"type": "text", "text": "Bo "},
                {"type": "image_url", "image_url": {}},
                {"type": "text", "text": "<P"},
            ],
        ),
        ([{"type": "text", "text": ""}], [{"type": "text", "text": "<PER"}]),
        ([{"type": "text", "text": None}], [{"type": "text", "text": "<PER"}]),
        ([{"type": "image_url"}], [{"type": "image_url"}, {"type": "text", "text": "<PER"}]),
        ([], [{"type": "text", "text": "<PER"}]),
    ],
)
def test_a_tail_on_a_list_of_parts(parts: Any, restored: Any, backend: str) -> None:
    chunks = [say("<PER"), chat({"content": parts}, "stop")]
    if parts and parts[0].get("text") == "x <PER":
        chunks[0] = say("hm ")
    assert restore(chunks)[-1] == chat({"content": restored}, "stop")


def test_a_placeholder_cut_over_a_string_and_parts(backend: str) -> None:
    parts = [{"type": "text", "text": "SO"}, {"type": "text", "text": "N_2>!"}]
    assert restore([say("<PER"), chat({"content": parts})]) == [
        chat({"content": [{"type": "text", "text": ""}, {"type": "text", "text": "Bo!"}]})
    ]


def test_a_synthetic_chunk_carries_the_streams_own_envelope(backend: str) -> None:
    azure = {"id": "", "model": "", "created": 0, "object": "", "choices": [], "prompt_filter_results": []}
    assert restore([azure, say("<PERS"), azure])[-1] == {
        **ENVELOPE,
        "choices": [{"index": 0, "delta": {"content": "<PERS"}, "finish_reason": None}],
    }


def test_a_synthetic_chunk_is_dressed_in_what_comes_piece_by_piece(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    for name in ("id", "created", "model"):
        restorer.feed({name: ENVELOPE[name], "choices": []})
    restorer.feed({"choices": [{"index": 0, "delta": {"content": "<PERS"}}]})
    (tail,) = restorer.flush()
    assert {name: tail.get(name) for name in ENVELOPE} == ENVELOPE


def test_a_synthetic_chunk_invents_nothing(backend: str) -> None:
    bare = {"choices": [{"index": 0, "delta": {"content": "<PERS"}}], "model": "m"}
    assert restore([bare]) == [
        {
            "object": "chat.completion.chunk",
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": "<PERS"}, "finish_reason": None}],
        }
    ]


def test_text_after_a_finish_is_restored_and_drained(backend: str) -> None:
    out = restore([say("a"), STOP, say(" b <PERSON_2> <PER")])
    assert heard(out) == {(0, "content"): "a b Bo <PER"}


def test_an_error_chunk_lets_everything_out_before_it(backend: str) -> None:
    error = {"error": {"message": "<PERSON_2>"}}
    out = restore([say("<PERS"), say("<PE", index=1), call('{"a": "<P'), error])
    assert out[-1] is error
    assert heard(out[:-1]) == {(0, "content"): "<PERS", (1, "content"): "<PE", (0, "tool", 0): '{"a": "<P'}


@pytest.mark.parametrize("finish", [None, "error"])
def test_an_error_beside_choices_keeps_its_text(finish: str | None, backend: str) -> None:
    last = {**chat({"content": "<PERSON_2>"}, finish), "error": {"code": 502}}
    assert restore([say("x"), say("<PERS"), last]) == [
        say("x"),
        say("<PERS"),
        {**chat({"content": "Bo"}, finish), "error": {"code": 502}},
    ]


def test_an_error_member_that_is_null_is_none(backend: str) -> None:
    assert heard(restore([{**say("<PERS"), "error": None}, {**say("ON_2>"), "error": None}])) == {
        (0, "content"): "Bo"
    }


# ---- reasoning


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(
    "follows",
    [
        {"content": "So"},
        {"content": [{"type": "text", "text": "So"}]},
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]},
        {"function_call": {"name": "f", "arguments": ""}},
    ],
    ids=["content", "parts", "tool call", "function call"],
)
def test_reasoning_ends_where_the_answer_begins(field: str, follows: Any, backend: str) -> None:
    assert restore([say("hm <PERS", field), chat(follows), say("!")]) == [
        say("hm ", field),
        chat({**follows, field: "<PERS"}),
        say("!"),
    ]


def test_reasoning_between_pieces_of_content(backend: str) -> None:
    chunks = [say("a"), say("<PERS", "reasoning"), say("b"), say("ON_2>", "reasoning"), say("<PERSON_2>")]
    assert restore(chunks) == [
        say("a"),
        chat({"content": "b", "reasoning": "<PERS"}),
        say("ON_2>", "reasoning"),
        say("Bo"),
    ]


def test_the_empty_content_beside_reasoning_ends_nothing(backend: str) -> None:
    chunks = [chat({"content": "", "reasoning": "<PERS"}), chat({"content": "", "reasoning": "ON_2>"})]
    assert restore(chunks) == [chat({"content": "", "reasoning": "Bo"})]


def test_reasoning_and_content_in_one_chunk(backend: str) -> None:
    chunk = chat({"reasoning": "x <PERS", "content": "<PERSON_2>"})
    assert restore([chunk]) == [chat({"reasoning": "x <PERS", "content": "Bo"})]


def test_reasoning_of_one_choice_is_not_ended_by_another(backend: str) -> None:
    out = restore([say("<PERS", "reasoning"), say("So", index=1), say("ON_2>", "reasoning")])
    assert heard(out) == {(0, "reasoning"): "Bo", (1, "content"): "So"}
