"""How each wire format says a piece of text, channel by channel, and where a client reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import oracle
from json_oracle import JsonOracle

PAIRS = {"<PERSON_1>": 'Ada "Q" Núñez', "<PERSON_2>": "Bo"}
TEXT = "Hi <PERSON_1>, <PERSON_2>! a<b <PERS"
SOURCE = '{"to":"Hi <PERSON_1>","cc":["<PERSON_2> <PERS"],"n":1420}'
ALL = ("events", "lines", "array")

Event = dict[str, Any]
Pieces = Sequence[str]


class Case(NamedTuple):
    """A stream, and what a client reads in it: ``read`` of what leaves gives ``says``."""

    protocol: str
    events: list[Any]
    read: Callable[[list[Event]], Any]
    says: Any
    signed: bool = False
    framings: tuple[str, ...] = ALL
    limit: int | None = None  # of an event's bytes
    raw: bytes = b""  # the stream itself, where events do not say it
    of_bytes: bool = False  # chunks do not show it


class Speaker(NamedTuple):
    """How a format says a piece of text of one channel, and where a client finds it."""

    name: str
    protocol: str
    say: Callable[[str], Event]
    paths: tuple[str, ...]
    source: bool = False
    signed: bool = False

    @property
    def text(self) -> str:
        return SOURCE if self.source else TEXT

    @property
    def says(self) -> str:
        return JsonOracle(PAIRS).restore(SOURCE) if self.source else oracle.restore(PAIRS, TEXT)

    def read(self, events: list[Event]) -> str:
        return "".join(one for event in events for path in self.paths for one in found(event, path.split()))

    def case(self, events: list[Any], **more: Any) -> Case:
        return Case(self.protocol, events, self.read, self.says, self.signed, **more)


def found(node: Any, path: Sequence[str]) -> Iterator[str]:
    """The strings at a path; ``*`` is every element of an array."""
    if not path:
        if isinstance(node, str):
            yield node
    elif path[0] == "*":
        for one in node if isinstance(node, list) else ():
            yield from found(one, path[1:])
    elif isinstance(node, dict):
        yield from found(node.get(path[0]), path[1:])


def chunk(delta: Any, finish: Any = None, index: Any = 0, **more: Any) -> Event:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def call(arguments: Any, kind: str = "function", index: Any = 0, **more: Any) -> Event:
    inner = {"function": "arguments", "custom": "input"}[kind]
    return chunk({"tool_calls": [{"index": index, **more, kind: {inner: arguments}}]})


def spoken(name: str, text: Any, **ids: Any) -> Event:
    """An event of Responses."""
    return {
        "type": f"response.{name}.delta",
        "sequence_number": 7,
        "item_id": "i",
        "output_index": 0,
        **ids,
        "delta": text,
    }


def block(kind: str, field: str) -> Callable[[str], Event]:
    return lambda text: {"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: text}}


def part(finish: Any = None, **one: Any) -> Event:
    ended = {"finishReason": finish} if finish else {}
    return {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [one]}, **ended}],
        "modelVersion": "g",
    }


def line(**message: Any) -> Event:
    return {"model": "m", "created_at": "t", "message": {"role": "assistant", **message}, "done": False}


CHOICE = "choices * delta"
ARGUMENTS = f"{CHOICE} tool_calls * function arguments"
INPUT = f"{CHOICE} tool_calls * custom input"
PARTS = "candidates * content parts * text"
CHAT = "openai-chat"
SPEAKERS = [
    Speaker("chat content", CHAT, lambda text: chunk({"content": text}), (f"{CHOICE} content",)),
    Speaker(
        "chat reasoning",
        CHAT,
        lambda text: chunk({"reasoning_content": text}),
        (f"{CHOICE} reasoning_content",),
    ),
    Speaker("chat arguments", CHAT, call, (ARGUMENTS,), source=True),
    Speaker("chat custom input", CHAT, lambda text: call(text, "custom"), (INPUT,)),
    Speaker(
        "text",
        "openai-text",
        lambda text: {"object": "text_completion", "choices": [{"index": 0, "text": text}]},
        ("choices * text",),
    ),
    Speaker(
        "responses text",
        "openai-responses",
        lambda text: spoken("output_text", text, content_index=0),
        ("delta",),
    ),
    Speaker(
        "responses reasoning",
        "openai-responses",
        lambda text: spoken("reasoning_text", text, content_index=0),
        ("delta",),
        signed=True,
    ),
    Speaker(
        "responses arguments",
        "openai-responses",
        lambda text: spoken("function_call_arguments", text),
        ("delta",),
        source=True,
    ),
    Speaker(
        "responses custom input",
        "openai-responses",
        lambda text: spoken("custom_tool_call_input", text),
        ("delta",),
    ),
    Speaker("anthropic text", "anthropic", block("text_delta", "text"), ("delta text",)),
    Speaker(
        "anthropic thinking",
        "anthropic",
        block("thinking_delta", "thinking"),
        ("delta thinking",),
        signed=True,
    ),
    Speaker(
        "anthropic arguments",
        "anthropic",
        block("input_json_delta", "partial_json"),
        ("delta partial_json",),
        source=True,
    ),
    Speaker("gemini text", "gemini", lambda text: part(text=text), (PARTS,)),
    Speaker("gemini thought", "gemini", lambda text: part(text=text, thought=True), (PARTS,)),
    Speaker("ollama content", "ollama", lambda text: line(content=text), ("message content",)),
    Speaker("ollama thinking", "ollama", lambda text: line(content="", thinking=text), ("message thinking",)),
    Speaker(
        "cohere text",
        "cohere",
        lambda text: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}},
        ("delta message content text",),
    ),
    Speaker(
        "UI text",
        "ui-message-stream",
        lambda text: {"type": "text-delta", "id": "1", "delta": text},
        ("delta",),
    ),
    Speaker(
        "AG-UI text",
        "ag-ui",
        lambda text: {"type": "TEXT_MESSAGE_CONTENT", "messageId": "1", "delta": text},
        ("delta",),
    ),
    Speaker(
        "bedrock text",
        "bedrock",
        lambda text: {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}}},
        ("contentBlockDelta delta text",),
    ),
    Speaker(
        "realtime text",
        "openai-realtime",
        lambda text: {**spoken("output_text", text, content_index=0), "event_id": "e", "response_id": "r"},
        ("delta",),
    ),
]
NAMED = {speaker.name: speaker for speaker in SPEAKERS}
CHATS = [speaker for speaker in SPEAKERS if speaker.protocol == CHAT]


def base(speaker: Speaker, pieces: Pieces) -> list[Any]:
    return [speaker.say(piece) for piece in pieces]


# ---------------------------------------------------------------- whole answers


_SAID = {
    "role": "assistant",
    "content": TEXT,
    "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": SOURCE}}],
}
_ITEM = {"type": "message", "content": [{"type": "output_text", "text": TEXT}]}
ANSWERS: dict[str, tuple[str, Event, str]] = {
    "chat": (
        CHAT,
        {"object": "chat.completion", "choices": [{"index": 0, "message": _SAID, "finish_reason": "stop"}]},
        "choices * message content",
    ),
    "text": (
        "openai-text",
        {"object": "text_completion", "choices": [{"index": 0, "text": TEXT, "finish_reason": "stop"}]},
        "choices * text",
    ),
    "responses": (
        "openai-responses",
        {"id": "r", "object": "response", "output": [_ITEM]},
        "output * content * text",
    ),
    "anthropic": (
        "anthropic",
        {"id": "m", "type": "message", "content": [{"type": "text", "text": TEXT}]},
        "content * text",
    ),
    "gemini": ("gemini", {**part("STOP", text=TEXT), "usageMetadata": {"totalTokenCount": 3}}, PARTS),
    "ollama": ("ollama", {**line(content=TEXT), "done": True}, "message content"),
    "cohere": (
        "cohere",
        {"id": "x", "finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": TEXT}]}},
        "message content * text",
    ),
    "bedrock": (
        "bedrock",
        {"output": {"message": {"content": [{"text": TEXT}]}}, "stopReason": "end_turn"},
        "output message content * text",
    ),
}
"""By name: the protocol, a whole answer, and where its text stands."""
