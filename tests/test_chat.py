"""Chat chunks: channels, tails, suppression, odd shapes.

Every stream comes whole, by the unit, and cut at random.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from holdback import ChunkRestorer, TrieMatcher, restore_answer
from holdback.errors import HoldbackError
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


# ---- suppression


NOTHING_ELSE: dict[str, dict[str, Any]] = {
    "content": say("<PER"),
    **{field: say("<PER", field) for field in FIELDS},
    "parts": chat({"content": [{"type": "text", "text": "<PER"}]}),
    "numbered parts": chat({"content": [{"type": "text", "index": 0, "text": "<PER"}]}),
    "audio": chat({"audio": {"transcript": "<PER"}}),
    "arguments": call("<PER"),
    "function call": chat({"function_call": {"arguments": "<PER", "name": None}}),
    "absent": chat(
        {
            "content": "<PER",
            "role": None,
            "tool_calls": [],
            "refusal": "",
            "extra": {},
            "function_call": None,
        },
        logprobs=None,
    ),
    "null usage": {**say("<PER"), "usage": None},
    "top-level envelope": {
        **say("<PER"),
        "system_fingerprint": "fp",
        "service_tier": "x",
        "obfuscation": "a",
    },
    "two channels": chat({"content": "<PER", "refusal": "<PE"}),
    "second choice silent": {
        **ENVELOPE,
        "choices": [*say("<PER")["choices"], {"index": 1, "delta": {"content": ""}}],
    },
    "no finish key": {"choices": [{"index": 0, "delta": {"content": "<PER"}}]},
}
SOMETHING_ELSE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "top-level extras": ({**say("<PER"), "vendor": {"a": 1}}, {**say(""), "vendor": {"a": 1}}),
    "role": (chat({"role": "assistant", "content": "<PER"}), chat({"role": "assistant", "content": ""})),
    "logprobs": (
        chat({"content": "<PER"}, logprobs={"content": []}),
        chat({"content": ""}, logprobs={"content": []}),
    ),
    "usage": ({**say("<PER"), "usage": {"n": 1}}, {**say(""), "usage": {"n": 1}}),
    "filter": (
        chat({"content": "<PER"}, content_filter_results={"hate": {}}),
        chat({"content": ""}, content_filter_results={"hate": {}}),
    ),
    "vendor field": (chat({"content": "<PER", "vendor": 0}), chat({"content": "", "vendor": 0})),
    "second choice": (
        {**ENVELOPE, "choices": [*say("<PER")["choices"], *say("hi", index=1)["choices"]]},
        {**ENVELOPE, "choices": [*say("")["choices"], *say("hi", index=1)["choices"]]},
    ),
    "second choice with an odd delta": (
        {**ENVELOPE, "choices": [*say("<PER")["choices"], {"index": 1, "delta": "hi"}]},
        {**ENVELOPE, "choices": [*say("")["choices"], {"index": 1, "delta": "hi"}]},
    ),
    "odd second choice": (
        {**ENVELOPE, "choices": [*say("<PER")["choices"], "hi"]},
        {**ENVELOPE, "choices": [*say("")["choices"], "hi"]},
    ),
    "other field": (chat({"content": "<PER", "refusal": "no"}), chat({"content": "", "refusal": "no"})),
    "signature": (
        chat({"reasoning": "<PER", "reasoning_details": [{"signature": "s"}]}),
        chat({"reasoning": "", "reasoning_details": [{"signature": "s"}]}),
    ),
    "call id": (call("<PER", id="a"), call("", id="a")),
    "call type": (call("<PER", type="function"), call("", type="function")),
    "function name": (
        chat({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "<PER"}}]}),
        chat({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}),
    ),
    "audio id": (
        chat({"audio": {"id": "a", "transcript": "<PER"}}),
        chat({"audio": {"id": "a", "transcript": ""}}),
    ),
    "image part": (
        chat(
            {"content": [{"type": "text", "text": "<PER"}, {"type": "image_url", "image_url": {"url": "u"}}]}
        ),
        chat({"content": [{"type": "text", "text": ""}, {"type": "image_url", "image_url": {"url": "u"}}]}),
    ),
}


@pytest.mark.parametrize("warm", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("name", NOTHING_ELSE)
def test_a_chunk_that_is_nothing_but_withheld_text_is_not_sent(name: str, warm: bool, backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    if warm:
        restorer.feed(say("x"))
    assert restorer.feed(NOTHING_ELSE[name]) == []
    assert heard(restorer.flush()) == heard([NOTHING_ELSE[name]])


@pytest.mark.parametrize("warm", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("name", SOMETHING_ELSE)
def test_a_chunk_that_says_anything_else_is_sent(name: str, warm: bool, backend: str) -> None:
    chunk, kept = SOMETHING_ELSE[name]
    restorer = ChunkRestorer(PAIRS)
    if warm:
        restorer.feed(say("x"))
    assert restorer.feed(chunk) == [kept]


def test_a_chunk_without_any_text_is_not_suppressed(backend: str) -> None:
    chunk = say("")
    assert restore([say("<PER"), chunk])[0] is chunk


def test_an_original_that_is_empty_withholds_nothing(backend: str) -> None:
    assert restore([say("x"), say("<P_1>")], {"<P_1>": ""}) == [say("x"), say("")]


def test_a_finish_chunk_is_never_suppressed(backend: str) -> None:
    assert restore([chat({"content": "<PER"}, "stop")]) == [chat({"content": "<PER"}, "stop")]


# ---- odd shapes


ODD: list[Any] = [
    {},
    {"choices": None},
    {"choices": []},
    {"choices": {}},
    {"choices": "<PERSON_2>"},
    {"choices": 7},
    {"choices": [None]},
    {"choices": ["<PERSON_2>"]},
    {"choices": [{}]},
    {"choices": [{"index": 0}]},
    {"choices": [{"index": 0, "delta": None}]},
    {"choices": [{"index": 0, "delta": "<PERSON_2>"}]},
    {"choices": [{"index": 0, "delta": {"content": 7}}]},
    {"choices": [{"index": 0, "delta": {"content": {"a": "<PERSON_2>"}}}]},
    {
        "choices": [
            {"index": 0, "delta": {"content": [None, 7, {"type": "x", "text": "<PERSON_2>"}, {"text": 7}]}}
        ]
    },
    {"choices": [{"index": 0, "delta": {"tool_calls": None, "function_call": None, "audio": None}}]},
    {
        "choices": [
            {"index": 0, "delta": {"tool_calls": {}, "function_call": [], "audio": 7, "annotations": 7}}
        ]
    },
    {
        "choices": [
            {"index": 0, "delta": {"tool_calls": [None, 7, {}, {"function": None}, {"function": "f"}]}}
        ]
    },
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": {"a": 1}}}]}}]},
    {
        "choices": [
            {
                "index": 0,
                "delta": {"annotations": [None, {}, {"url_citation": None}, {"url_citation": {"title": 7}}]},
            }
        ]
    },
    {"choices": [{"index": "x", "delta": {"content": ""}}]},
    {"choices": [{"index": [], "delta": {"content": ""}}]},
    {"choices": [{"index": 0, "content_filter_offsets": {"check_offset": 44}}]},
    {"id": {}, "model": [], "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "x"}}]},
    b"data: <PERSON_2>\n\n",
    "data: <PERSON_2>\n\n",
    7,
    None,
    object(),
]


@pytest.mark.parametrize("place", range(len(ODD)))
def test_odd_shapes_pass_unread(place: int, backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    (out,) = restorer.feed(ODD[place])
    assert out is ODD[place]
    restorer.feed(say("x <PERS"))
    (out,) = restorer.feed(ODD[place])
    assert out is ODD[place] or ODD[place]["choices"][0].get("finish_reason")


@pytest.mark.parametrize("delta", ["text", 7, ["a"]])
def test_a_finish_whose_delta_cannot_take_a_tail(delta: Any, backend: str) -> None:
    finish = chat(delta, "stop")
    out = restore([say("<PERS"), say("<PE", "refusal"), finish])
    assert out[-1] is finish
    assert heard(out[:-1]) == {(0, "content"): "<PERS", (0, "refusal"): "<PE"}


@pytest.mark.parametrize("field", ["content", "refusal", "audio"])
def test_a_finish_whose_field_cannot_take_a_tail(field: str, backend: str) -> None:
    start = chat({"audio": {"transcript": "<PE"}}) if field == "audio" else say("<PE", field)
    finish = chat({field: 7}, "stop")
    out = restore([start, finish])
    assert out[-1] is finish
    assert heard(out[:-1]) == {(0, field): "<PE"}


def test_a_choice_without_index_goes_by_position(backend: str) -> None:
    def both(a: str, b: str) -> dict[str, Any]:
        return {"choices": [{"delta": {"content": a}}, {"index": None, "delta": {"content": b}}]}

    assert restore([both("<PERS", "b"), both("ON_2>", "c <P")]) == [
        both("", "b"),
        both("Bo", "c "),
        {
            "object": "chat.completion.chunk",
            "choices": [{"index": 1, "delta": {"content": "<P"}, "finish_reason": None}],
        },
    ]


def test_halves_of_a_character_in_two_chunks_are_joined(backend: str) -> None:
    assert heard(restore([say("a\ud83d"), say("\ude00b\ud83d")])) == {(0, "content"): "a😀b\ud83d"}


# ---- the restorer


def test_flush_resets_and_may_be_fed_again(backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    restorer.feed(call('"<PERS', id="a"))
    assert heard(restorer.flush()) == {(0, "tool", 0): "<PERS"}
    assert restorer.flush() == []
    bare = {"choices": [{"index": 0, "delta": {"content": "<PERS"}}]}
    restorer.feed(bare)
    (tail,) = restorer.flush()
    assert "id" not in tail, "the envelope of the stream before"


@pytest.mark.parametrize("protocol", ["nope", "", None, 7])
def test_an_unknown_protocol_is_an_error_that_lists_the_known(protocol: Any) -> None:
    with pytest.raises(ValueError, match=r"known are: .*\bopenai-chat\b.*\bopenai-text\b") as caught:
        ChunkRestorer(PAIRS, protocol=protocol)
    assert isinstance(caught.value, HoldbackError)


def test_two_streams_share_nothing_but_the_matcher(backend: str) -> None:
    one, two = ChunkRestorer(PAIRS), ChunkRestorer(PAIRS)
    one.feed(say("<PERS"))
    assert two.feed(say("ON_2>")) == [say("ON_2>")]
    assert one.feed(say("ON_2>")) == [say("Bo")]


def test_the_title_of_a_citation_is_text_and_no_source() -> None:
    def cited(title: str) -> dict[str, Any]:
        citation = {"type": "url_citation", "url_citation": {"title": title, "url": "u"}}
        return {"choices": [{"index": 0, "delta": {"annotations": [citation]}}]}

    assert ChunkRestorer({"<P>": '"A"'}).feed(cited('"<P>"')) == [cited('""A""')]


def test_a_chunk_whose_text_became_nothing_leaves_unless_other_text_of_it_is_withheld() -> None:
    def said(**delta: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta}]}

    pairs = {"<E>": "", "<P>": "x"}
    assert ChunkRestorer(pairs).feed(said(content="<E>")) == [said(content="")]
    assert ChunkRestorer(pairs).feed(said(content="<", refusal="<E>")) == []
    assert ChunkRestorer(pairs).feed(said(content="<E>", refusal="<")) == []


@pytest.mark.parametrize("is_whole", [False, True], ids=["streamed", "whole"])
def test_what_mistral_sends_beside_its_text(is_whole: bool, backend: str) -> None:
    """Thinking that refers to something, resources, and several messages in one choice."""
    content = [
        {
            "type": "thinking",
            "thinking": [
                {"type": "text", "text": "of <PERSON_1>"},
                {
                    "type": "tool_reference",
                    "tool": "web",
                    "title": "<PERSON_1>",
                    "url": "https://a/<PERSON_1>",
                },
                {"type": "tool_reference", "tool": "<PERSON_1>", "description": "<PERSON_1>"},
            ],
        },
        {"type": "resource", "content": {"type": "text", "text": "<PERSON_1>", "uri": "<PERSON_1>"}},
        {"type": "text", "text": "Hi <PERSON_1>"},
    ]
    restored = [
        {
            "type": "thinking",
            "thinking": [
                {"type": "text", "text": "of Ada"},
                {"type": "tool_reference", "tool": "web", "title": "Ada", "url": "https://a/Ada"},
                {"type": "tool_reference", "tool": "<PERSON_1>", "description": "Ada"},
            ],
        },
        {"type": "resource", "content": {"type": "text", "text": "Ada", "uri": "<PERSON_1>"}},
        {"type": "text", "text": "Hi Ada"},
    ]
    pairs = {"<PERSON_1>": "Ada"}
    if not is_whole:
        chunk = {"choices": [{"index": 0, "delta": {"content": content}}]}
        assert ChunkRestorer(pairs).feed(chunk) == [
            {"choices": [{"index": 0, "delta": {"content": restored}}]}
        ]
        return
    call = {"function": {"name": "f", "arguments": '{"to":"<PERSON_1>"}'}}
    messages = [{"content": content}, {"content": "<PERSON_1>", "tool_calls": [call]}]
    answer = {"object": "chat.completion", "choices": [{"index": 0, "messages": messages}]}
    call = {"function": {"name": "f", "arguments": '{"to":"Ada"}'}}
    messages = [{"content": restored}, {"content": "Ada", "tool_calls": [call]}]
    assert restore_answer(answer, pairs) == {**answer, "choices": [{"index": 0, "messages": messages}]}


def test_a_reference_keeps_the_chunk_whose_text_is_withheld(backend: str) -> None:
    reference = {"type": "tool_reference", "title": "<PERSON_1>"}
    part = {"type": "thinking", "thinking": [{"type": "text", "text": "<PERS"}, reference]}
    chunk = {"choices": [{"index": 0, "delta": {"content": [part]}}]}
    (out,) = ChunkRestorer({"<PERSON_1>": "Ada"}).feed(chunk)
    text, title = out["choices"][0]["delta"]["content"][0]["thinking"]
    assert (text["text"], title["title"]) == ("", "Ada")
