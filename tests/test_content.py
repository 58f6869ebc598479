"""Content that is JSON: what says so, and that it stays JSON at every level.

The streams of every format, at any cut, are ``tests/vectors/wire/R13.json`` and ``tests/test_wire_properties.py``.
"""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import strategies
from holdback import (
    ChunkRestorer,
    DeanonymizationConfig,
    HoldbackError,
    StreamingHandler,
    WireRestorer,
    restore_answer,
)
from holdback.config import with_content
from holdback.integrations.requests import MOST_BYTES, BodyBegun, content_of
from streams import Upstream, events, say

ADA = 'Ada "Q" Núñez\n\\'
PAIRS = {"<PERSON_1>": ADA}
DOCUMENT = json.dumps({"name": "<PERSON_1>", "cc": ["<PERSON_1>", 1.5]})
RESTORED = json.dumps({"name": ADA, "cc": [ADA, 1.5]}, ensure_ascii=False)
AS_TEXT = DOCUMENT.replace("<PERSON_1>", ADA)


def pieces(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def said(chunks: Any) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, RESTORED),
        (DeanonymizationConfig(), RESTORED),
        (DeanonymizationConfig(content="json"), RESTORED),
        (DeanonymizationConfig(content="text"), AS_TEXT),
        (SimpleNamespace(enabled=True), RESTORED),
        (SimpleNamespace(enabled=True, content="text"), AS_TEXT),
    ],
    ids=["none", "default", "json", "text", "foreign", "foreign, text"],
)
def test_every_level_goes_by_the_config(backend: str, config: Any, expected: str) -> None:
    given_ = [say(piece) for piece in pieces(DOCUMENT)]
    chunks = ChunkRestorer(PAIRS, config)
    assert said([one for chunk in given_ for one in chunks.feed(chunk)] + chunks.flush()) == expected
    wire = WireRestorer(PAIRS, config)
    out = b"".join(wire.feed(f"data: {json.dumps(chunk)}\n\n".encode()) for chunk in given_) + wire.flush()
    assert said(json.loads(line[6:]) for line in out.split(b"\n\n") if line) == expected
    if config is not None:
        stream = StreamingHandler.stream_response(Upstream(given_), PAIRS, config)
        assert said(events(asyncio.run(_all(stream)))) == expected
    answer = {"choices": [{"index": 0, "message": {"content": DOCUMENT}}]}
    assert restore_answer(answer, PAIRS, config)["choices"][0]["message"]["content"] == expected
    out = restore_answer(json.dumps(answer).encode(), PAIRS, config)
    assert json.loads(out)["choices"][0]["message"]["content"] == expected


async def _all(stream: Any) -> list[str]:
    return [event async for event in stream]


WHOLE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "openai-chat": ({"choices": [{"message": {"content": DOCUMENT}}]}, ("choices", 0, "message", "content")),
    "parts": (
        {"choices": [{"message": {"content": [{"type": "text", "text": DOCUMENT}]}}]},
        ("choices", 0, "message", "content", 0, "text"),
    ),
    "openai-text": ({"object": "text_completion", "choices": [{"text": DOCUMENT}]}, ("choices", 0, "text")),
    "openai-responses": (
        {"object": "response", "output": [{"type": "message", "content": [{"type": "output_text", "text": DOCUMENT}]}]},
        ("output", 0, "content", 0, "text"),
    ),
    "anthropic": ({"type": "message", "content": [{"type": "text", "text": DOCUMENT}]}, ("content", 0, "text")),
    "gemini": (
        {"candidates": [{"content": {"parts": [{"text": DOCUMENT}]}}]},
        ("candidates", 0, "content", "parts", 0, "text"),
    ),
    "ollama": ({"model": "m", "message": {"content": DOCUMENT}, "done": True}, ("message", "content")),
    "generate": ({"model": "m", "response": DOCUMENT, "done": True}, ("response",)),
    "bedrock": (
        {"output": {"message": {"role": "assistant", "content": [{"text": DOCUMENT}]}}},
        ("output", "message", "content", 0, "text"),
    ),
    "Titan": ({"results": [{"outputText": DOCUMENT}]}, ("results", 0, "outputText")),
    "cohere": (
        {"finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": DOCUMENT}]}},
        ("message", "content", 0, "text"),
    ),
    "ui-message-stream": (
        {"role": "assistant", "parts": [{"type": "text", "text": DOCUMENT}]},
        ("parts", 0, "text"),
    ),
    "ag-ui": (
        {"threadId": "t", "runId": "r", "messages": [{"role": "assistant", "content": DOCUMENT}]},
        ("messages", 0, "content"),
    ),
    "openai-realtime": (
        {
            "object": "realtime.response",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": DOCUMENT}]}],
        },
        ("output", 0, "content", 0, "text"),
    ),
}  # fmt: skip
TEXTS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "reasoning": (
        {"choices": [{"message": {"reasoning_content": DOCUMENT}}]},
        ("choices", 0, "message", "reasoning_content"),
    ),
    "refusal": ({"choices": [{"message": {"refusal": DOCUMENT}}]}, ("choices", 0, "message", "refusal")),
    "thought": (
        {"candidates": [{"content": {"parts": [{"text": DOCUMENT, "thought": True}]}}]},
        ("candidates", 0, "content", "parts", 0, "text"),
    ),
    "a transcript": (
        {
            "object": "realtime.response",
            "output": [{"type": "message", "content": [{"type": "output_audio", "transcript": DOCUMENT}]}],
        },
        ("output", 0, "content", 0, "transcript"),
    ),
    "thinking of cohere": (
        {"finish_reason": "COMPLETE", "message": {"content": [{"type": "thinking", "thinking": DOCUMENT}]}},
        ("message", "content", 0, "thinking"),
    ),
    "thinking": ({"model": "m", "message": {"thinking": DOCUMENT}, "done": True}, ("message", "thinking")),
}


def _at(answer: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        answer = answer[name]
    return answer


@pytest.mark.parametrize("name", [*WHOLE, *TEXTS])
def test_whole_answers_of_every_format(backend: str, name: str) -> None:
    """What a model says to the user is a document if it begins like one; what else it says is text."""
    answer, path = {**WHOLE, **TEXTS}[name]
    expected = AS_TEXT if name in TEXTS else RESTORED
    assert _at(restore_answer(answer, PAIRS), path) == expected
    assert _at(json.loads(restore_answer(json.dumps(answer).encode(), PAIRS)), path) == expected
    as_text = restore_answer(answer, PAIRS, DeanonymizationConfig(content="text"))
    assert _at(as_text, path) == AS_TEXT


TREES = st.recursive(
    st.sampled_from(["<PERSON_1>", "a", 'x "y"\n', "<PERS", 1.5, True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "<PERSON_1>"]), inner),
    max_leaves=6,
)


def _restored(node: Any) -> Any:
    if isinstance(node, dict):
        return {_restored(name): _restored(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_restored(value) for value in node]
    return node.replace("<PERSON_1>", ADA) if isinstance(node, str) else node


@strategies.examples(1)
@given(tree=st.dictionaries(st.sampled_from(["to", "<PERSON_1>"]), TREES, max_size=3), data=st.data())
def test_a_document_stays_one(backend: str, tree: Any, data: st.DataObject) -> None:
    """Parsed, the content is the tree with its strings restored; whole, cut, fenced or spelled with escapes."""
    source = json.dumps(tree, indent=data.draw(st.sampled_from([None, 1])))
    if data.draw(st.booleans()):
        source = source.replace("<", "\\u003c").replace(">", "\\u003E")
    begin, end = data.draw(st.sampled_from([("", ""), (" \n", ""), ("```json\n", "\n```")]))
    restorer = ChunkRestorer(PAIRS)
    cut = data.draw(strategies.cuts(begin + source + end))
    out = said([one for piece in cut for one in restorer.feed(say(piece))] + restorer.flush())
    assert json.loads(out.removeprefix(begin).removesuffix(end)) == _restored(tree)
    answer = {"choices": [{"message": {"content": begin + source + end}}]}
    assert restore_answer(answer, PAIRS)["choices"][0]["message"]["content"] == out


@pytest.mark.parametrize(
    "content", ["[1] see <PERSON_1>", "{name} is <PERSON_1>", 'Here: {"a":"<PERSON_1>"}', "<PERSON_1>"]
)
def test_what_only_looks_like_json_is_text(backend: str, content: str) -> None:  # fmt: skip
    restorer = ChunkRestorer(PAIRS)
    out = said([one for piece in pieces(content) for one in restorer.feed(say(piece))] + restorer.flush())
    assert out == content.replace("<PERSON_1>", ADA)


@pytest.mark.parametrize("content", ["JSON", "", None, True, 1])
def test_a_content_that_is_not_known_is_an_error(content: Any) -> None:
    with pytest.raises(ValidationError):
        DeanonymizationConfig(content=content)
    config = SimpleNamespace(enabled=True, content=content)
    for make in (ChunkRestorer, WireRestorer):
        with pytest.raises(HoldbackError, match=r'^content must be "auto", "text" or "json"$'):
            make(PAIRS, config)


# ---------------------------------------------------------------- what a request asks for


class Person(BaseModel):
    name: str


REQUESTS: list[tuple[str, Any]] = [
    ("json", {"response_format": {"type": "json_object"}}),
    ("json", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}),
    ("json", {"response_format": Person}),
    ("text", {"response_format": {"type": "text"}}),
    ("auto", {"response_format": {"type": "grammar"}}),
    ("auto", {"response_format": None}),
    ("json", {"input": "", "text": {"format": {"type": "json_schema", "schema": {}}}}),
    ("text", {"input": "", "text": {"format": {"type": "text"}, "verbosity": "low"}}),
    ("auto", {"input": "", "text": {"verbosity": "low"}}),
    ("json", {"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
    ("json", {"output_format": {"type": "json_schema", "schema": {}}}),
    ("auto", {"output_config": {"effort": "low"}}),
    ("json", {"contents": [], "generationConfig": {"responseMimeType": "application/json"}}),
    ("json", {"contents": [], "generation_config": {"response_schema": {"type": "OBJECT"}}}),
    ("json", {"contents": [], "generationConfig": {"responseJsonSchema": {}}}),
    ("text", {"contents": [], "generationConfig": {"responseMimeType": "text/plain"}}),
    ("auto", {"contents": [], "generationConfig": {"temperature": 0}}),
    ("json", {"format": "json"}),
    ("json", {"format": {"type": "object", "properties": {}}}),
    ("auto", {"format": ""}),
    ("auto", {"messages": [{"role": "user", "content": '"response_format": {"type": "json_object"}'}]}),
    ("auto", {"text": "a prompt", "output_config": [], "generationConfig": 3, "format": 5}),
    ("auto", {}),
]


@pytest.mark.parametrize(("content", "request_"), REQUESTS, ids=range(len(REQUESTS)))
def test_what_a_request_asks_for(content: str, request_: Any) -> None:
    assert content_of(request_) == content
    if request_.get("response_format") is Person:
        return
    source = json.dumps(request_).encode()
    assert content_of(source) == content_of(bytearray(source)) == content
    body = BodyBegun()
    for at in range(len(source)):
        body.add(source[at : at + 1])
    assert body.content() == content
    assert body.content() == "auto"  # nothing is kept


@pytest.mark.parametrize(
    "request_", [None, b"", b"{", b"\xff", b"[]", 5, "{}", b'{"response_format":', [{"format": "json"}]]
)
def test_what_cannot_be_read_says_nothing(request_: Any) -> None:  # fmt: skip
    assert content_of(request_) == "auto"


def test_a_body_that_is_too_large_is_not_kept() -> None:
    source = b'{"format":"json","x":"' + b"a" * MOST_BYTES + b'"}'
    assert content_of(source) == "auto"
    body = BodyBegun()
    for at in range(0, len(source), 1 << 20):
        body.add(source[at : at + (1 << 20)])
    assert body.content() == "auto"
    assert not body._pieces


def test_what_the_config_says_itself_counts_more() -> None:
    assert with_content(None, "auto") is None
    assert with_content(None, "json").content == "json"
    ours = DeanonymizationConfig(reasoning=True)
    told = with_content(ours, "text")
    assert (told.content, told.reasoning, ours.content) == ("text", True, "auto")
    for config in (DeanonymizationConfig(content="text"), SimpleNamespace(enabled=True, content="text")):
        assert with_content(config, "json") is config
    theirs = with_content(SimpleNamespace(enabled=False, reasoning=True), "json")
    assert (theirs.enabled, theirs.reasoning, theirs.content) == (False, True, "json")
    with pytest.raises(AttributeError):
        _ = theirs.words


# ---------------------------------------------------------------- a request that does not say


@pytest.mark.parametrize(
    ("request_", "by_prompt"),
    [
        ({"messages": [{"role": "user", "content": "Answer in JSON."}]}, RESTORED),
        ({"messages": [], "response_format": {"type": "text"}}, AS_TEXT),
        ({"messages": [], "response_format": {"type": "json_object"}}, RESTORED),
    ],
    ids=["silent", "text", "json"],
)
def test_json_by_prompt_alone_stays_json_unless_the_request_asks_for_text(
    backend: str, request_: Any, by_prompt: str
) -> None:
    """A request that says nothing gets what its content begins like, and prose around JSON stays text."""
    config = with_content(None, content_of(request_))
    answer = {"choices": [{"message": {"content": DOCUMENT}}]}
    assert restore_answer(answer, PAIRS, config)["choices"][0]["message"]["content"] == by_prompt
    if content_of(request_) == "auto":
        prose = {"choices": [{"message": {"content": f"Here: {DOCUMENT}"}}]}
        restored = restore_answer(prose, PAIRS, config)["choices"][0]["message"]["content"]
        assert restored == f"Here: {AS_TEXT}"


# ---------------------------------------------------------------- content in several parts

SAYINGS = st.text(st.sampled_from('<PERSON_1>{["a": ,}]`'), max_size=6)
SPOKEN = st.lists(
    st.sampled_from(['{"a":"<PERSON_1>"', DOCUMENT, "<PERS", "ON_1>", '{"to":"', '", "cc":"<PERSON_1>"}', "[1] ", ""])
    | SAYINGS,
    min_size=1,
    max_size=5,
)  # fmt: skip


def _by_stream(parts: list[str], part: Any) -> str:
    """What the parts say as a stream."""
    restorer = ChunkRestorer(PAIRS)
    chunks = [one for text in parts for one in restorer.feed(say([part(text)]))] + restorer.flush()
    out = ""
    for chunk in chunks:
        content = chunk["choices"][0]["delta"].get("content") or ""
        out += content if isinstance(content, str) else "".join(_text_of(one) for one in content)
    return out


def _text_of(part: Any) -> str:
    text: str = part if isinstance(part, str) else part["text"]
    return text


@strategies.examples(1)
@given(parts=SPOKEN, as_objects=st.booleans())
def test_the_parts_of_one_content_are_one_text_as_in_the_stream(
    backend: str, parts: list[str], *, as_objects: bool
) -> None:
    """A whole answer is what the stream of it would say, in dicts and in bytes."""

    def part(text: str) -> Any:
        return {"type": "text", "text": text} if as_objects else text

    answer = {"choices": [{"index": 0, "message": {"content": [part(text) for text in parts]}}]}
    restored = restore_answer(answer, PAIRS)["choices"][0]["message"]["content"]
    said_whole = "".join(map(_text_of, restored))
    assert said_whole == _by_stream(parts, part)
    in_bytes = json.loads(restore_answer(json.dumps(answer).encode(), PAIRS))
    assert in_bytes["choices"][0]["message"]["content"] == restored
    assert len(restored) == len(parts)


PARTS = (
    SAYINGS.map(lambda text: {"text": text})
    | st.just({"inlineData": {"data": "<PERSON_1>"}})
    | st.sampled_from([{"text": DOCUMENT}, {"text": "<PERS"}, {"text": "ON_1>"}])
    | st.sampled_from(["<PERS", "ON_1>", "", "a"]).map(lambda text: {"text": text, "thought": True})
)


@strategies.examples(1)
@given(parts=st.lists(PARTS, max_size=5))
def test_the_parts_of_a_candidate_are_one_text_that_anything_else_interrupts(
    backend: str, parts: list[dict[str, Any]]
) -> None:
    answer = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    whole = restore_answer(answer, PAIRS, protocol="gemini")["candidates"][0]["content"]["parts"]
    restorer = ChunkRestorer(PAIRS, protocol="gemini")
    events_ = [{"candidates": [{"content": {"role": "model", "parts": [one]}, "index": 0}]} for one in parts]
    chunks = [one for event in events_ for one in restorer.feed(event)] + restorer.flush()
    streamed = [one for chunk in chunks for one in chunk["candidates"][0]["content"]["parts"]]
    assert _runs(whole) == _runs(streamed)


def _runs(parts: list[dict[str, Any]]) -> list[Any]:
    """What is said and what is thought between what is neither."""
    runs: list[Any] = [{False: "", True: ""}]
    for part in parts:
        if "text" in part:
            runs[-1][part.get("thought", False)] += part["text"]
        else:
            runs += [part, {False: "", True: ""}]
    return runs


def _thought(part: dict[str, Any]) -> str:
    thinking = part["thinking"]
    return thinking if isinstance(thinking, str) else "".join(piece["text"] for piece in thinking)


THOUGHTS = st.sampled_from(["<PERS", "ON_1>", "<PERSON_1>", "", "a "])
THINKING_PARTS = THOUGHTS.map(lambda text: {"type": "text", "text": text}) | (
    THOUGHTS | st.lists(THOUGHTS.map(lambda text: {"type": "text", "text": text}), max_size=3)
).map(lambda thinking: {"type": "thinking", "thinking": thinking})


@strategies.examples(1)
@given(parts=st.lists(THINKING_PARTS, max_size=5))
def test_the_thinking_parts_of_one_content_are_one_text_until_it_answers(
    backend: str, parts: list[dict[str, Any]]
) -> None:
    restored = restore_answer({"choices": [{"message": {"content": parts}}]}, PAIRS)["choices"][0]["message"]
    restorer = ChunkRestorer(PAIRS)
    chunks = [one for part in parts for one in restorer.feed(say([part]))] + restorer.flush()
    deltas = [chunk["choices"][0]["delta"].get("content") or [] for chunk in chunks]
    streamed = [part for delta in deltas for part in ([{"text": delta}] if isinstance(delta, str) else delta)]
    for read in (_thought, _text_of):
        name = "thinking" if read is _thought else "text"
        whole, by_stream = (
            "".join(read(part) for part in some if name in part) for some in (restored["content"], streamed)
        )
        assert whole == by_stream


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "reasoning_text"])
def test_the_parts_of_reasoning_are_one_text(backend: str, name: str) -> None:
    parts = [{"text": text} for text in ("a <PERS", "ON_1>", " <PERS")]
    message = {name: parts, "content": "ON_1>"}
    restored = restore_answer({"choices": [{"message": message}]}, PAIRS)["choices"][0]["message"]
    assert restored == {name: [{"text": "a "}, {"text": ADA}, {"text": " <PERS"}], "content": "ON_1>"}


def test_a_document_in_two_parts_is_one(backend: str) -> None:
    content = [{"type": "text", "text": '{"to":"<PER'}, {"type": "text", "text": 'SON_1>","n":1}'}]
    restored = restore_answer({"choices": [{"message": {"content": content}}]}, PAIRS)
    texts = [part["text"] for part in restored["choices"][0]["message"]["content"]]
    assert json.loads("".join(texts)) == {"to": ADA, "n": 1}
    assert texts[0] == '{"to":"'
