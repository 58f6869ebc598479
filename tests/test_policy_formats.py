"""A policy in the formats of other hosts: places, channels and the names of tools, by the same reference."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from answer_streams import Events, pieces
from holdback import ChunkRestorer, DeanonymizationConfig, RestorePolicy, restore_answer
from host_streams import FORMATS, IDS, ag_ui, streamed
from policy_texts import KEY, POLICY, VALUE, expected, mapping, said, texts


@pytest.mark.parametrize("name", ["attacks", "harmless"])
@pytest.mark.parametrize("protocol", FORMATS)
def test_every_text_is_restored_as_the_reference_does(backend: str, protocol: str, name: str) -> None:
    for seed, text in enumerate(texts(name)):
        rng = random.Random(seed)
        events = FORMATS[protocol]([pieces(block, rng) for block in text.split("¦")])
        want = expected(text)
        restorer = ChunkRestorer(mapping(), POLICY, protocol=protocol)
        leaving = [out for event in events for out in restorer.feed(event)] + restorer.flush()
        assert "".join(map(streamed, leaving)) == want.text
        assert sum(restorer.report.restored.values()) == text.count(KEY) - want.kept
        assert restorer.report.kept == ({"address": {"PERSON": want.kept}} if want.kept else {})
        if protocol == "openai-realtime":
            done = [event["text"] for event in leaving if event["type"] == "response.output_text.done"]
            assert "".join(done) == want.text
            items = leaving[-1]["response"]["output"]
            assert "".join(item["content"][0]["text"] for item in items) == want.text


ANSWERS: dict[str, Callable[[list[str]], Any]] = {
    "bedrock": lambda blocks: {"output": {"message": {"content": [{"text": one} for one in blocks]}}},
    "cohere": lambda blocks: {
        "finish_reason": "COMPLETE",
        "message": {"content": [{"type": "text", "text": one} for one in blocks]},
    },
    "ui-message-stream": lambda blocks: {
        "role": "assistant",
        "parts": [{"type": "text", "text": one} for one in blocks],
    },
    "openai-realtime": lambda blocks: {
        "object": "realtime.response",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": one} for one in blocks]}],
    },
}


@pytest.mark.parametrize("name", ["attacks", "harmless"])
@pytest.mark.parametrize("protocol", ANSWERS)
def test_whole_answers_likewise(backend: str, protocol: str, name: str) -> None:
    for text in texts(name):
        blocks = text.split("¦")
        restored = restore_answer(ANSWERS[protocol](blocks), mapping(), POLICY, protocol=protocol)
        assert "".join(said(restored)) == expected(text).text


# ---------------------------------------------------------------- tools

SOURCE = ['{"q": "<PER', 'SON_1>"}']
WHOLE: dict[str, Any] = {"q": KEY}


def bedrock_call(name: str, *, provider: bool) -> Events:
    at = {"contentBlockIndex": 1}
    use = {"toolUseId": "t", "name": name, **({"type": "server_tool_use"} if provider else {})}
    deltas = [{"contentBlockDelta": {**at, "delta": {"toolUse": {"input": piece}}}} for piece in SOURCE]
    return [
        {"contentBlockStart": {**at, "start": {"toolUse": use}}},
        *deltas,
        {"contentBlockStop": at},
        {"messageStop": {"stopReason": "tool_use"}},
    ]


def cohere_call(name: str, *, provider: bool) -> Events:
    def event(kind: str, **function: Any) -> dict[str, Any]:
        calls = {"id": "c", "type": "function", "function": function}
        return {"type": kind, "index": 0, "delta": {"message": {"tool_calls": calls}}}

    deltas = [event("tool-call-delta", arguments=piece) for piece in SOURCE]
    return [event("tool-call-start", name=name, arguments=""), *deltas, {"type": "tool-call-end", "index": 0}]


def cohere_pieces(name: str, *, provider: bool) -> Events:
    """The name comes in pieces, as some gateways send it."""
    start, *rest = cohere_call(name[:2], provider=provider)
    function = {"name": name[2:]}
    piece = {
        "type": "tool-call-delta",
        "index": 0,
        "delta": {"message": {"tool_calls": {"function": function}}},
    }
    return [start, piece, *rest]


def ui_call(name: str, *, provider: bool) -> Events:
    at = {"toolCallId": "c", "toolName": name, **({"providerExecuted": True} if provider else {})}
    deltas = [{"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": piece} for piece in SOURCE]
    whole = {"type": "tool-input-available", **at, "input": WHOLE}
    return [{"type": "tool-input-start", **at}, *deltas, whole]


def ui_whole(name: str, *, provider: bool) -> Events:
    return ui_call(name, provider=provider)[-1:]


def ag_ui_call(name: str, *, provider: bool) -> Events:
    at = {"toolCallId": "c"}
    deltas = [{"type": "TOOL_CALL_ARGS", **at, "delta": piece} for piece in SOURCE]
    return [{"type": "TOOL_CALL_START", **at, "toolCallName": name}, *deltas, {"type": "TOOL_CALL_END", **at}]


def ag_ui_snake(name: str, *, provider: bool) -> Events:
    at = {"tool_call_id": "c"}
    deltas = [{"type": "TOOL_CALL_ARGS", **at, "delta": piece} for piece in SOURCE]
    return [
        {"type": "TOOL_CALL_START", **at, "tool_call_name": name},
        *deltas,
        {"type": "TOOL_CALL_END", **at},
    ]


def ag_ui_chunks(name: str, *, provider: bool) -> Events:
    other = {"type": "TOOL_CALL_CHUNK", "toolCallId": "b", "toolCallName": "other", "delta": "{}"}
    start = {"type": "TOOL_CALL_CHUNK", "toolCallId": "c", "toolCallName": name}
    return [other, start, *({"type": "TOOL_CALL_CHUNK", "delta": piece} for piece in SOURCE)]


def ag_ui_snapshot(name: str, *, provider: bool) -> Events:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": "".join(SOURCE)}}
    message = {"id": "m", "role": "assistant", "toolCalls": [call]}
    return [{"type": "MESSAGES_SNAPSHOT", "messages": [message]}]


def realtime_call(name: str, *, provider: bool) -> Events:
    kind = "mcp_call" if provider else "function_call"
    item = {"type": kind, "id": "i", "name": name, "arguments": "".join(SOURCE)}
    at = {**IDS, "item_id": "i", "output_index": 0}
    here = {**IDS, "output_index": 0}
    return [
        {"type": "response.output_item.added", **here, "item": {**item, "arguments": ""}},
        *({"type": f"response.{kind}_arguments.delta", **at, "delta": piece} for piece in SOURCE),
        {"type": f"response.{kind}_arguments.done", **at, "arguments": "".join(SOURCE)},
        {"type": "response.output_item.done", **here, "item": item},
        {"type": "response.done", "event_id": "e", "response": {"id": "r", "output": [item]}},
    ]


RULES: list[tuple[dict[str, Any], bool, bool]] = [  # what is kept of a client's tool, and of the provider's
    ({"*": "keep"}, True, True),
    ({"*": "restore"}, False, False),
    ({"*": "restore", "provider": "keep"}, False, True),
    ({"search": "keep", "*": "restore"}, True, False),
    ({"search": "restore", "provider": "restore", "*": "keep"}, False, False),
]
CALLS: dict[str, tuple[str, Any, bool]] = {
    "bedrock": ("bedrock", bedrock_call, False),
    "bedrock, provider": ("bedrock", bedrock_call, True),
    "cohere": ("cohere", cohere_call, False),
    "cohere, in pieces": ("cohere", cohere_pieces, False),
    "ui": ("ui-message-stream", ui_call, False),
    "ui, provider": ("ui-message-stream", ui_call, True),
    "ui, whole": ("ui-message-stream", ui_whole, False),
    "ui, whole, provider": ("ui-message-stream", ui_whole, True),
    "ag-ui": ("ag-ui", ag_ui_call, False),
    "ag-ui, as Python spells it": ("ag-ui", ag_ui_snake, False),
    "ag-ui, chunks": ("ag-ui", ag_ui_chunks, False),
    "ag-ui, snapshot": ("ag-ui", ag_ui_snapshot, False),
    "realtime": ("openai-realtime", realtime_call, False),
    "realtime, provider": ("openai-realtime", realtime_call, True),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_tool_goes_by_its_name(backend: str, name: str) -> None:
    protocol, make, provider = CALLS[name]
    for tools, of_client, of_provider in RULES:
        is_kept = of_provider if provider else of_client
        config = DeanonymizationConfig(policy=RestorePolicy(tools=tools))
        restorer = ChunkRestorer(mapping(), config, protocol=protocol)
        events = make("search", provider=provider)
        out = json.dumps([out for event in events for out in restorer.feed(event)] + restorer.flush())
        assert (VALUE in out, KEY in out) == (not is_kept, is_kept), tools
        assert restorer.report.kept == ({"tool": {"PERSON": 1}} if is_kept else {})
        assert restorer.report.restored == ({} if is_kept else {"PERSON": 1})


WHOLES: dict[str, Any] = {
    "bedrock": lambda name: {
        "output": {"message": {"content": [{"toolUse": {"name": name, "input": WHOLE}}]}}
    },
    "cohere": lambda name: {
        "finish_reason": "TOOL_CALL",
        "message": {"tool_calls": [{"function": {"name": name, "arguments": "".join(SOURCE)}}]},
    },
    "ui-message-stream": lambda name: {
        "role": "assistant",
        "parts": [{"type": "dynamic-tool", "toolName": name, "input": WHOLE}],
    },
    "openai-realtime": lambda name: {
        "object": "realtime.response",
        "output": [{"type": "function_call", "name": name, "arguments": "".join(SOURCE)}],
    },
}


@pytest.mark.parametrize("protocol", WHOLES)
def test_a_tool_of_a_whole_answer_goes_by_its_name(backend: str, protocol: str) -> None:
    config = DeanonymizationConfig(policy=RestorePolicy(tools={"search": "keep", "*": "restore"}))
    for name, is_kept in (("search", True), ("send", False)):
        answer = WHOLES[protocol](name)
        out = json.dumps(restore_answer(answer, mapping(), config, protocol=protocol))
        assert (VALUE in out, KEY in out) == (not is_kept, is_kept)


def test_what_a_snapshot_repeats_is_not_counted(backend: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "search", "arguments": "".join(SOURCE)}}
    messages = [
        {"id": "u", "role": "user", "content": KEY},
        {"id": "m0", "role": "assistant", "content": f"Hi {KEY}", "toolCalls": [call]},
    ]
    snapshot = {"type": "MESSAGES_SNAPSHOT", "messages": messages}
    events = [*ag_ui([[f"Hi {KEY}"]])[:-1], *ag_ui_call("search", provider=False), snapshot]
    restorer = ChunkRestorer(mapping(), protocol="ag-ui")
    out = [out for event in events for out in restorer.feed(event)] + restorer.flush()
    assert KEY not in json.dumps(out)
    assert restorer.report.restored == {"PERSON": 3}  # the text, the call, and what the user said
