"""The stream of an answer whose text is given, in each format: what restorers are fed, and what was said in the end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Events = list[dict[str, Any]]


def pieces(text: str, rng: random.Random) -> list[str]:
    borders = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(5)))
    return [text[a:b] for a, b in zip([0, *borders], [*borders, len(text)], strict=True)]


def chat(blocks: list[list[str]]) -> Events:
    said = [{"index": 0, "delta": {"content": piece}} for block in blocks for piece in block]
    chunk = "chat.completion.chunk"
    ends = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [{"object": chunk, "choices": [choice]} for choice in (*said, ends)]


def completion(blocks: list[list[str]]) -> Events:
    return [
        {"object": "text_completion", "choices": [{"index": 0, "text": piece}]}
        for block in blocks
        for piece in block
    ]


def anthropic(blocks: list[list[str]]) -> Events:
    events: Events = [{"type": "message_start", "message": {"content": []}}]
    for index, block in enumerate(blocks):
        start = {"type": "text", "text": ""}
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        for piece in block:
            delta = {"type": "text_delta", "text": piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    return [*events, {"type": "message_stop"}]


def responses(blocks: list[list[str]]) -> Events:
    events: Events = []
    items = []
    for output, block in enumerate(blocks):
        ids = {"item_id": f"i{output}", "output_index": output, "content_index": 0}
        part = {"type": "output_text", "text": "".join(block)}
        item = {"type": "message", "id": f"i{output}", "content": [part]}
        items.append(item)
        added = {**item, "content": []}
        events.append({"type": "response.output_item.added", "output_index": output, "item": added})
        events += [{"type": "response.output_text.delta", **ids, "delta": piece} for piece in block]
        events.append({"type": "response.output_text.done", **ids, "text": "".join(block)})
        events.append({"type": "response.content_part.done", **ids, "part": part})
        events.append({"type": "response.output_item.done", "output_index": output, "item": item})
    return [*events, {"type": "response.completed", "response": {"object": "response", "output": items}}]


def gemini(blocks: list[list[str]]) -> Events:
    return [
        {"candidates": [{"index": 0, "content": {"parts": [{"text": piece}], "role": "model"}}]}
        for block in blocks
        for piece in block
        if piece
    ]


def ollama(blocks: list[list[str]]) -> Events:
    said = [
        {"model": "m", "message": {"content": piece}, "done": False} for block in blocks for piece in block
    ]
    return [*said, {"model": "m", "message": {"content": ""}, "done": True}]


def heard(node: Any) -> Iterator[str]:
    """All text in events that are no repetition."""
    if isinstance(node, list):
        for inner in node:
            yield from heard(inner)
    elif isinstance(node, dict):
        if str(node.get("type", "")).endswith((".done", ".completed", ".added")):
            return
        for name in (
            "choices",
            "delta",
            "message",
            "candidates",
            "content",
            "parts",
            "text",
            "content_block",
        ):
            inner = node.get(name)
            if isinstance(inner, str):
                yield inner
            else:
                yield from heard(inner)


FORMATS: dict[str, Callable[[list[list[str]]], Events]] = {
    "openai-chat": chat,
    "openai-text": completion,
    "anthropic": anthropic,
    "openai-responses": responses,
    "gemini": gemini,
    "ollama": ollama,
}


def as_bytes(events: Events, protocol: str) -> bytes:
    """The stream as it comes over the wire."""
    as_lines = protocol == "ollama"
    return b"".join(
        b"%b%b%b"
        % (b"" if as_lines else b"data: ", json.dumps(event).encode(), b"\n" if as_lines else b"\n\n")
        for event in events
    )


def read_back(data: bytes) -> Events:
    """The events in such bytes."""
    lines = [line.removeprefix(b"data: ") for line in data.splitlines() if line.startswith((b"data: ", b"{"))]
    return [json.loads(line) for line in lines]


def arguments_of(events: Events) -> str:
    """The arguments of the calls in chat chunks, joined."""
    return "".join(
        call["function"].get("arguments") or ""
        for event in events
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls", [])
    )
