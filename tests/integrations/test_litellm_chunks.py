"""The real chunk classes: LiteLLM's, and the OpenAI SDK's that come with it."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest

from holdback import ChunkRestorer, StreamingHandler
from holdback.engine.json_text import model_json
from streams import ENVELOPE, PAIRS, STOP, TEXT_ENVELOPE, Upstream, call, chat, heard, say, text

pytestmark = pytest.mark.litellm
ON = SimpleNamespace(enabled=True)
OFF = SimpleNamespace(enabled=False)

CHUNKS: dict[str, dict[str, Any]] = {
    "role": chat({"role": "assistant", "content": ""}),
    "content": say("hello"),
    "reasoning": say("think <PERSON_2>", "reasoning_content"),
    "match": say("<PERSON_1>"),
    "begin": say("a <PERS"),
    "end": say("ON_2>"),
    "call": chat(
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"a": "<P'},
                }
            ]
        }
    ),
    "fragment": call('ERSON_2>"}'),
    "vendor": chat({"content": "x", "vendor_extra": {"a": [1, 2]}}),
    "logprobs": chat(
        {"content": "hi"}, logprobs={"content": [{"token": "hi", "logprob": -0.5, "top_logprobs": []}]}
    ),
    "held": say("tail <PERS"),
    "finish": STOP,
    "usage": {
        **ENVELOPE,
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    },
    "odd characters": say("é\u2028\ud83d"),
}


def litellm_chunk(chunk: dict[str, Any]) -> Any:
    from litellm.types.utils import ModelResponseStream

    return ModelResponseStream(**copy.deepcopy(chunk))


def openai_chunk(chunk: dict[str, Any]) -> Any:
    from openai.types.chat import ChatCompletionChunk

    return ChatCompletionChunk.construct(**copy.deepcopy(chunk))


KINDS = {"litellm": litellm_chunk, "openai": openai_chunk}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CHUNKS)
def test_an_event_is_the_json_of_the_dump(name: str, kind: str) -> None:
    chunk = KINDS[kind](CHUNKS[name])
    write = model_json(type(chunk))
    assert write is not None, "the fast writer does not know this class any more"
    written = write(chunk)
    assert written is not None
    assert json.loads(written) == json.loads(json.dumps(chunk.model_dump()))


@pytest.mark.parametrize("kind", KINDS)
async def test_switched_off_and_on_the_unchanged_events_are_equal(kind: str) -> None:
    chunks = [
        KINDS[kind](CHUNKS[name]) for name in ("role", "content", "vendor", "logprobs", "finish", "usage")
    ]
    out = [
        [event async for event in StreamingHandler.stream_response(Upstream(chunks), PAIRS, config)]
        for config in (ON, OFF)
    ]
    assert out[0] == out[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_objects_stays_one(kind: str, backend: str) -> None:
    chunks = [KINDS[kind](chunk) for chunk in CHUNKS.values()]
    dumps = [copy.deepcopy(chunk.model_dump()) for chunk in chunks]
    restorer = ChunkRestorer(PAIRS)
    out = [leaving for chunk in chunks for leaving in restorer.feed(chunk)] + restorer.flush()
    assert {type(chunk) for chunk in out} == {type(chunks[0])}
    assert [chunk.model_dump() for chunk in chunks] == dumps, "the caller's objects were changed"
    assert heard(chunk.model_dump() for chunk in out) == {
        (0, "content"): "helloAda Lovelacea Boxhitail <PERSé\u2028\ud83d",
        (0, "reasoning_content"): "think Bo",
        (0, "tool", 0): '{"a": "Bo"}',
    }
    assert all(chunk.id == "chatcmpl-1" for chunk in out)
    for chunk in out:  # as a client reads them
        assert all(
            choice.delta.content is None or choice.delta.content
            for choice in chunk.choices
            if choice.finish_reason
        )


@pytest.mark.parametrize("kind", KINDS)
def test_a_synthetic_object_is_whole(kind: str, backend: str) -> None:
    restorer = ChunkRestorer(PAIRS)
    restorer.feed(KINDS[kind](CHUNKS["call"]))
    (tail,) = restorer.flush()
    (tool_call,) = tail.choices[0].delta.tool_calls
    assert (tool_call.index, tool_call.function.arguments, tail.choices[0].finish_reason) == (0, "<P", None)


@pytest.mark.parametrize("cls", ["ModelResponseStream", "TextCompletionResponse"])
def test_a_changed_copy_keeps_its_private_parts(cls: str, backend: str) -> None:
    import litellm.types.utils

    is_text = cls == "TextCompletionResponse"
    chunk = getattr(litellm.types.utils, cls)(**(text("<PERSON_2>") if is_text else say("<PERSON_2>")))
    chunk._hidden_params["cost"] = 1
    (out,) = ChunkRestorer(PAIRS, protocol="openai-text" if is_text else "openai-chat").feed(chunk)
    assert out is not chunk
    assert out._hidden_params["cost"] == 1
    assert (out.choices[0].text if is_text else out.choices[0].delta.content) == "Bo"
    assert out.choices[0].finish_reason is None
    assert out.model_dump_json(exclude_none=True)


async def test_text_completions(backend: str) -> None:
    from litellm.types.utils import TextCompletionResponse

    chunks = [TextCompletionResponse(**text(piece)) for piece in ("a <PERS", "ON_2> <P")]
    chunks.append(
        TextCompletionResponse(**{**TEXT_ENVELOPE, "choices": [{"index": 0, "finish_reason": "stop"}]})
    )
    sent = [event async for event in StreamingHandler.stream_text_response(Upstream(chunks), PAIRS, ON)]
    assert heard(json.loads(event[6:]) for event in sent[:-1]) == {(0, "text"): "a Bo <P"}
    assert len(sent) == 4


async def test_the_handler_on_litellm_objects(backend: str) -> None:
    chunks = [litellm_chunk(chunk) for chunk in CHUNKS.values()]
    sent = [event async for event in StreamingHandler.stream_response(Upstream(chunks), PAIRS, ON)]
    assert heard(json.loads(event[6:]) for event in sent[:-1])[0, "tool", 0] == '{"a": "Bo"}'
    withheld = len(chunks) + 1 - len(sent)
    assert withheld == -1, "the last held half comes in a chunk of its own; nothing else is added or dropped"
