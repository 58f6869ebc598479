"""Chat chunks: channels, tails, suppression, odd shapes.

Every stream comes whole, by the unit, and cut at random.
"""

from __future__ import annotations

from typing import Any

import pytest

from holdback import ChunkRestorer, restore_answer
from holdback.errors import HoldbackError
from streams import ENVELOPE, FIELDS, PAIRS, call, chat, heard, restore, say

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
