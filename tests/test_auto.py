"""``auto``: the format of a stream by its first event, of an answer by its own shape."""

from __future__ import annotations

from typing import Any

import pytest

from holdback import ChunkRestorer
from holdback.formats import FORMATS
from recorded import MAP, STREAMS, chunks_of, through

RECORDINGS = sorted(path.name for path in STREAMS.iterdir())


def protocol_in(name: str) -> str:
    return max((protocol for protocol in FORMATS if name.startswith(protocol)), key=len)


def claimed_by(event: dict[str, Any]) -> list[str]:
    return [name for name, protocol in FORMATS.items() if protocol.recognises(event)]


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_event_of_a_recording_is_claimed_by_its_format_alone(name: str) -> None:
    protocol, events = protocol_in(name), chunks_of(name)
    assert claimed_by(events[0]) == [protocol]
    for event in events:
        assert (
            set(claimed_by(event)) <= {protocol, "openai-chat"} if protocol == "openai-text" else {protocol}
        )


@pytest.mark.parametrize("name", RECORDINGS)
def test_auto_comes_to_the_same(name: str) -> None:
    events = chunks_of(name)
    assert through("auto", events) == through(protocol_in(name), events)


@pytest.mark.parametrize(
    ("event", "protocol"),
    [
        ({"choices": [], "object": "", "id": "", "prompt_filter_results": []}, "openai-chat"),
        ({"choices": None, "usage": {}}, "openai-chat"),
        ({"choices": [{"delta": {}}]}, "openai-chat"),
        ({"choices": [{"delta": {}, "text": ""}]}, "openai-chat"),
        (
            {"choices": [{"index": 0, "content_filter_offsets": {}}], "object": "chat.completion.chunk"},
            "openai-chat",
        ),
        ({"choices": [{"text": "a"}]}, "openai-text"),
        ({"choices": [], "object": "text_completion"}, "openai-text"),
        ({"choices": [{"text": "a", "index": 0}], "model": "m", "object": "text.completion"}, "openai-text"),
        ({"type": "response.created", "response": {}}, "openai-responses"),
        ({"type": "message_start", "message": {}}, "anthropic"),
        ({"candidates": []}, "gemini"),
        ({"usageMetadata": {}, "modelVersion": "g"}, "gemini"),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "gemini"),
        ({"model": "m", "created_at": "t", "message": {"content": ""}, "done": False}, "ollama"),
        ({"model": "m", "created_at": "t", "response": "", "done": True}, "ollama"),
        ({"type": "message-start", "id": "x", "delta": {"message": {"role": "assistant"}}}, "cohere"),
        ({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "a"}}}}, "cohere"),
        ({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "a"}}}, "cohere"),
        ({"messageStart": {"role": "assistant"}}, "bedrock"),
        ({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "a"}}}, "bedrock"),
        ({"outputText": "a", "index": 0, "completionReason": None}, "bedrock"),
        ({"generation": "a", "stop_reason": None, "generation_token_count": 1}, "bedrock"),
        ({"outputs": [{"text": "a", "stop_reason": None}]}, "bedrock"),
        ({"type": "start", "messageId": "m"}, "ui-message-stream"),
        ({"type": "start-step"}, "ui-message-stream"),
        ({"type": "text-delta", "id": "t", "delta": "a"}, "ui-message-stream"),
        ({"type": "tool-input-delta", "toolCallId": "t", "inputTextDelta": "a"}, "ui-message-stream"),
        ({"type": "RUN_STARTED", "threadId": "t", "runId": "r"}, "ag-ui"),
        ({"type": "TEXT_MESSAGE_CHUNK", "delta": "a"}, "ag-ui"),
        ({"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "f"}, "ag-ui"),
        ({"type": "session.created", "event_id": "e", "session": {}}, "openai-realtime"),
        ({"type": "response.created", "event_id": "e", "response": {}}, "openai-realtime"),
        ({"type": "response.output_text.delta", "event_id": "e", "delta": "a"}, "openai-realtime"),
        ({"type": "response.created", "event_id": "e", "sequence_number": 0}, "openai-responses"),
    ],
    ids=str,
)
def test_a_first_event(event: dict[str, Any], protocol: str) -> None:
    assert claimed_by(event) == [protocol]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"error": {"message": "no"}},
        {"error": "no"},
        {"type": "error", "code": "c", "message": "m", "sequence_number": 0},
        {"type": "error", "error": {"type": "overloaded_error", "message": "m"}},
        {"type": "ping"},
        {"type": "session.created", "session": {}},
        {"type": "content-delta", "index": 0, "delta": {"text": "a"}},
        {"type": "message-start", "id": "x"},
        {"type": "content-end", "index": 0},
        {"metadata": {"usage": {}}},
        {"messageStart": None},
        {"outputText": "a"},
        {"outputs": [{"text": "a"}]},
        {"generation": "a"},
        {"throttlingException": {"message": "m"}},
        {"type": "start"},
        {"type": "finish"},
        {"type": "text-delta", "textDelta": "a"},
        {"type": "tool-input-start", "id": "t", "toolName": "f"},
        {"type": "data-x", "data": {}},
        {"type": "RAW", "event": {"choices": []}},
        {"type": "CUSTOM", "name": "n", "value": 1},
        {"type": "RUN_STARTED"},
        {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m"},
        {"type": "error", "event_id": "e", "error": {}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        {"type": "text", "text": "a"},
        {"status": "pulling manifest"},
        {"token": {"text": "a"}, "generated_text": None},
        {"choices": "none"},
        {"type": "poll", "candidates": []},
        {"usageMetadata": {}},
        {"modelVersion": "g"},
        {"jsonrpc": "2.0", "result": {"message": {}}, "id": 1},
    ],
    ids=str,
)
def test_nobody_claims_an_unknown_event(event: dict[str, Any]) -> None:
    assert claimed_by(event) == []
    restorer = ChunkRestorer(MAP, protocol="auto")
    assert restorer.feed(event)[0] is event
    assert restorer.flush() == []


def test_the_first_chunk_that_is_known_decides_and_a_flush_forgets() -> None:
    restorer = ChunkRestorer({"<A>": "x"}, protocol="auto")
    assert restorer.feed("a string") == ["a string"]
    assert restorer.feed({"hello": "<A>"}) == [{"hello": "<A>"}]
    assert restorer.feed({"candidates": [{"content": {"parts": [{"text": "a <A"}]}}]}) != []
    assert len(restorer.flush()) == 1
    assert restorer.feed({"choices": [{"text": "<A>"}]}) == [{"choices": [{"text": "x"}]}]


@pytest.mark.parametrize(
    ("answer", "protocol"),
    [
        ({"object": "text_completion", "choices": []}, "openai-text"),
        ({"choices": [{"text": "a"}]}, "openai-text"),
        ({"object": "chat.completion", "choices": []}, "openai-chat"),
        ({"choices": [{"message": {"content": "a"}}]}, "openai-chat"),
        ({"id": "x", "finish_reason": "COMPLETE", "message": {"role": "assistant"}}, "cohere"),
        ({"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn"}, "bedrock"),
        ({"results": [{"outputText": "a"}], "inputTextTokenCount": 1}, "bedrock"),
        ({"id": "x", "role": "assistant", "parts": []}, "ui-message-stream"),
        ({"threadId": "t", "runId": "r", "messages": []}, "ag-ui"),
        ({"object": "realtime.response", "output": []}, "openai-realtime"),
        ({"model": "m", "message": {"content": "a"}, "done": True, "finish_reason": None}, "ollama"),
    ],
    ids=str,
)
def test_an_answer_is_known_by_what_it_says_it_is_or_by_its_shape(
    answer: dict[str, Any], protocol: str
) -> None:
    assert [name for name, one in FORMATS.items() if one.recognises_answer(answer)] == [protocol]
