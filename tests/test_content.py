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
from content_cases import ADA, DOCUMENT, PAIRS
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
