"""Streams in the formats of other hosts that say some blocks of text, each block in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answer_streams import Events

Blocks = list[list[str]]
IDS = {"event_id": "e", "response_id": "r"}


def bedrock(blocks: Blocks) -> Events:
    events: Events = [{"messageStart": {"role": "assistant"}}]
    for index, block in enumerate(blocks):
        at = {"contentBlockIndex": index}
        events += [{"contentBlockDelta": {**at, "delta": {"text": piece}}} for piece in block]
        events.append({"contentBlockStop": at})
    return [*events, {"messageStop": {"stopReason": "end_turn"}}]


def cohere(blocks: Blocks) -> Events:
    events: Events = [{"type": "message-start", "delta": {"message": {"role": "assistant"}}}]
    for index, block in enumerate(blocks):
        for piece in block:
            message = {"content": {"text": piece}}
            events.append({"type": "content-delta", "index": index, "delta": {"message": message}})
        events.append({"type": "content-end", "index": index})
    return [*events, {"type": "message-end"}]


def ui(blocks: Blocks) -> Events:
    events: Events = [{"type": "start-step"}]
    for index, block in enumerate(blocks):
        at = {"id": f"t{index}"}
        events += [{"type": "text-delta", **at, "delta": piece} for piece in block]
        events.append({"type": "text-end", **at})
    return [*events, {"type": "finish"}]


def ag_ui(blocks: Blocks) -> Events:
    events: Events = [{"type": "RUN_STARTED", "threadId": "t", "runId": "r"}]
    for index, block in enumerate(blocks):
        at = {"messageId": f"m{index}"}
        events.append({"type": "TEXT_MESSAGE_START", **at})
        events += [{"type": "TEXT_MESSAGE_CONTENT", **at, "delta": piece} for piece in block]
        events.append({"type": "TEXT_MESSAGE_END", **at})
    return [*events, {"type": "RUN_FINISHED"}]


def realtime(blocks: Blocks) -> Events:
    events: Events = []
    items = []
    for output, block in enumerate(blocks):
        at = {**IDS, "item_id": f"i{output}", "output_index": output, "content_index": 0}
        events += [{"type": "response.output_text.delta", **at, "delta": piece} for piece in block]
        events.append({"type": "response.output_text.done", **at, "text": "".join(block)})
        part = {"type": "output_text", "text": "".join(block)}
        items.append({"type": "message", "id": f"i{output}", "content": [part]})
    return [*events, {"type": "response.done", "event_id": "e", "response": {"id": "r", "output": items}}]


FORMATS: dict[str, Callable[[Blocks], Events]] = {
    "bedrock": bedrock,
    "cohere": cohere,
    "ui-message-stream": ui,
    "ag-ui": ag_ui,
    "openai-realtime": realtime,
}


def streamed(event: dict[str, Any]) -> str:
    """The text of a delta."""
    delta = event.get("contentBlockDelta", event).get("delta", "")
    if isinstance(delta, dict):
        delta = delta.get("text") or delta.get("message", {}).get("content", {}).get("text", "")
    return delta if isinstance(delta, str) else ""
