"""Chat chunks: channels, tails, suppression, odd shapes.

Every stream comes whole, by the unit, and cut at random.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from streams import PAIRS, STOP, call, chat, heard, restore, say

# ---- tool calls


@pytest.mark.parametrize("index", [0, 3, None])
def test_arguments_by_the_unit(index: int | None, backend: str) -> None:
    source = '{"to": "<EMAIL_1>", "n": 1}'
    chunks = [call("", index, id="call_1", type="function")] + [call(piece, index) for piece in source]
    (arguments,) = heard(restore([*chunks, chat({}, "tool_calls")])).values()
    assert json.loads(arguments) == {"to": "ada@example.org", "n": 1}


def test_parallel_calls_interleave(backend: str) -> None:
    one, two = '{"a": "<PERSON_1>"}', '{"b": "<PERSON_2>"}'
    chunks = [call("", 0, id="x"), call("", 1, id="y")]
    for a, b in zip(one, two, strict=True):
        chunks += [call(a, 0), call(b, 1)]
    assert heard(restore([*chunks, STOP])) == {
        (0, "tool", 0): '{"a": "Ada Lovelace"}',
        (0, "tool", 1): '{"b": "Bo"}',
    }


def test_the_tails_of_cut_calls_leave_just_before_the_finish(backend: str) -> None:
    """Elsewhere the first of two tails was lost."""
    finish = chat({}, "length")
    out = restore([call('{"a": "x<PERS', 0), call('{"b": "y<PE', 1), finish])
    assert [heard([chunk]) for chunk in out] == [
        {(0, "tool", 0): '{"a": "x'},
        {(0, "tool", 1): '{"b": "y'},
        {(0, "tool", 0): "<PERS"},
        {(0, "tool", 1): "<PE"},
        {},
    ]
    assert out[-1] is finish
    assert out[2] == chat({"tool_calls": [{"index": 0, "function": {"arguments": "<PERS"}}]})


@pytest.mark.parametrize("function", [{"arguments": ""}, {"arguments": None}, {"name": "f"}, {}, None])
def test_a_tail_uses_the_slot_of_its_call_on_the_finish_chunk(function: Any, backend: str) -> None:
    out = restore([call('"<PE', 1), chat({"tool_calls": [{"index": 1, "function": function}]}, "stop")])
    assert out[-1] == chat(
        {"tool_calls": [{"index": 1, "function": {**(function or {}), "arguments": "<PE"}}]}, "stop"
    )
    assert len(out) == 2


def test_text_and_tail_of_a_call_on_the_finish_chunk(backend: str) -> None:
    out = restore(
        [
            call('{"n":"<PERS'),
            chat({"tool_calls": [{"index": 0, "function": {"arguments": "ON_2> <P"}}]}, "length"),
        ]
    )
    assert [heard([chunk]) for chunk in out] == [{(0, "tool", 0): '{"n":"'}, {(0, "tool", 0): "Bo <P"}]


def named(text: str, name: str) -> dict[str, Any]:
    """A piece of a call that says which one it is."""
    return chat({"tool_calls": [{"index": 0, "id": name, "function": {"name": "f", "arguments": text}}]})


def test_the_same_index_with_another_id_and_a_name_is_another_call(backend: str) -> None:
    out = restore(
        [
            named('"<PERS', "a"),
            named("ON_2>", "a"),
            named('"<PERS', "a"),
            named("ON_2>", "b"),
            STOP,
        ]
    )
    assert [heard([chunk]).get((0, "tool", 0)) for chunk in out] == ['"', "Bo", '"', "<PERS", "ON_2>", None]
    assert out[3]["choices"][0]["delta"]["tool_calls"] == [{"index": 0, "function": {"arguments": "<PERS"}}]


def test_the_same_index_with_another_id_and_no_name_is_the_same_call(backend: str) -> None:
    out = restore([named('{"to":"x ', "a"), call("<PERS", 0, id="b"), call('ON_1>"}', 0, id="c"), STOP])
    said = "".join(heard([chunk]).get((0, "tool", 0)) or "" for chunk in out)
    assert json.loads(said) == {"to": "x " + PAIRS["<PERSON_1>"]}


def test_two_calls_under_one_index_in_one_chunk(backend: str) -> None:
    calls = [
        {"index": 0, "id": name, "function": {"name": "f", "arguments": f'"{name}<PE'}} for name in ("a", "b")
    ]
    out = restore([chat({"tool_calls": calls}), STOP])
    assert [c["function"]["arguments"] for c in out[0]["choices"][0]["delta"]["tool_calls"]] == [
        '"a<PE',
        '"b',
    ]
    assert heard(out[1:]) == {(0, "tool", 0): "<PE"}


@pytest.mark.parametrize("call_id", [None, ""])
def test_a_null_id_begins_no_call(call_id: Any, backend: str) -> None:
    assert heard(restore([call('"<PERS', id="a"), call("ON_2>", id=call_id)])) == {(0, "tool", 0): '"Bo'}


def test_calls_without_an_index_go_by_id_else_by_position(backend: str) -> None:
    chunks = [
        call('"<PERS', None, id="a"),
        call("ON_2>", None),
        call('"<PERS', None, id="b"),
        call("ON_1>", None),
        call(" <PE", None, id="a"),
    ]
    out = restore(chunks)
    assert heard(out[:2]) | heard(out[2:4]) == {
        (0, "tool", "a"): '"',
        (0, "tool", 0): "Ada Lovelace",
        (0, "tool", "b"): '"',
    }
    assert out[-1] == chat({"tool_calls": [{"id": "a", "function": {"arguments": "<PE"}}]})


def test_a_fragment_without_an_index_goes_to_the_call_last_seen_at_its_position(backend: str) -> None:
    assert heard(restore([call('"<PERS', 3), call("ON_2>", None), call('"', 3)])) == {
        (0, "tool", 3): '""',
        (0, "tool", 0): "Bo",
    }


def test_calls_with_neither_index_nor_id(backend: str) -> None:
    pieces = [('"<PERS', '"<EMA'), ("ON_2>", "IL_1>"), ('"', " <P")]
    chunks = [chat({"tool_calls": [{"function": {"arguments": p}} for p in pair]}) for pair in pieces]
    assert heard(restore(chunks)) == {(0, "tool", 0): '"Bo"', (0, "tool", 1): '"ada@example.org <P'}


def test_the_old_function_call(backend: str) -> None:
    chunks = [chat({"function_call": {"name": "f", "arguments": ""}})]
    chunks += [chat({"function_call": {"arguments": piece}}) for piece in '{"a": "<PERSON_2> <PE']
    out = restore([*chunks, chat({}, "length")])
    assert heard(out) == {(0, "function_call"): '{"a": "Bo <PE'}
    assert out[-2:] == [chat({"function_call": {"arguments": "<PE"}}), chat({}, "length")]
    out = restore([*chunks, chat({"function_call": {"arguments": None}}, "length")])
    assert out[-1] == chat({"function_call": {"arguments": "<PE"}}, "length")


def test_arguments_are_json_source_and_custom_input_is_text(backend: str) -> None:
    custom = chat({"tool_calls": [{"index": 1, "custom": {"input": 'run "<QUOTED_1>"'}}]})
    out = heard(restore([call('{"a": "<QUOTED_1>"}'), custom]))
    assert json.loads(out[0, "tool", 0]) == {"a": PAIRS["<QUOTED_1>"]}
    assert out[0, "tool", 1] == 'run "a "b" \\ c\nd"'


def test_names_and_ids_are_never_rewritten(backend: str) -> None:
    chunk = chat(
        {
            "role": "<PERSON_2>",
            "tool_calls": [
                {"index": 0, "id": "<PERSON_2>", "type": "<PERSON_2>", "function": {"name": "<PERSON_2>"}}
            ],
            "function_call": {"name": "<PERSON_2>"},
            "audio": {"id": "<PERSON_2>", "data": "<PERSON_2>"},
            "reasoning_details": [
                {"type": "reasoning.text", "text": "<PERSON_2>", "signature": "<PERSON_2>"}
            ],
            "thinking_blocks": [{"thinking": "<PERSON_2>", "signature": "<PERSON_2>"}],
            "images": [{"image_url": {"url": "<PERSON_2>"}}],
            "vendor": "<PERSON_2>",
        },
        logprobs={"content": [{"token": "<PERSON_2>"}]},
        content_filter_results={"x": "<PERSON_2>"},
    )
    chunk |= {"system_fingerprint": "<PERSON_2>", "model": "<PERSON_2>", "id": "<PERSON_2>"}
    (out,) = restore([chunk])
    assert out is chunk


def test_a_citation_is_restored_whole(backend: str) -> None:
    def cite(title: str, url: str) -> dict[str, Any]:
        return chat(
            {"annotations": [{"type": "url_citation", "url_citation": {"title": title, "url": f"u/{url}"}}]}
        )

    assert restore([say("<PERS"), cite("<PERSON_2> <PERS", "<PERSON_2>"), say("ON_2>")]) == [
        cite("Bo <PERS", "Bo"),
        say("Bo"),
    ]
