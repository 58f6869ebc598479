"""Content in several parts: they are one text, as they are in the stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from content_cases import ADA, DOCUMENT, PAIRS
from holdback import (
    ChunkRestorer,
    restore_answer,
)
from streams import say

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
