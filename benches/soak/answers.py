"""How the formats ask, and what an answer says: whole, streamed, or broken off at any byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Body = dict[str, Any]


class Format(NamedTuple):
    """One wire format, as a client of it."""

    path: str
    streamed_path: str
    ask: Callable[[list[str]], Body]
    """The request of a conversation: texts of the user and of the model in turns."""
    delta: Callable[[Body], str]
    """What an event of the stream says."""
    whole: Callable[[Body], str]
    """What an answer says that came at once."""
    tools: list[Body] | None = None
    """The one tool, where the format's arguments come as a stream of source."""


def _messages(texts: list[str]) -> Body:
    roles = ("user", "assistant")
    return {
        "model": "m",
        "max_tokens": 99,
        "messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)],
    }


def _contents(texts: list[str]) -> Body:
    roles = ("user", "model")
    return {"contents": [{"role": roles[at % 2], "parts": [{"text": text}]} for at, text in enumerate(texts)]}


def _chat_delta(event: Body) -> str:
    said = ""
    for choice in event.get("choices", ()):
        said += choice["delta"].get("content") or ""
        for call in choice["delta"].get("tool_calls", ()):
            said += call["function"].get("arguments") or ""
    return said


def _chat_whole(answer: Body) -> str:
    message: Body = answer["choices"][0]["message"]
    if message.get("tool_calls"):
        return str(message["tool_calls"][0]["function"]["arguments"])
    return str(message["content"])


def _responses_whole(answer: Body) -> str:
    (item,) = answer["output"]
    return str(item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"])


def _anthropic_delta(event: Body) -> str:
    delta = event.get("delta", {})
    return str(delta.get("text", delta.get("partial_json", "")))


def _anthropic_whole(answer: Body) -> str:
    block = answer["content"][0]
    return json.dumps(block["input"]) if block["type"] == "tool_use" else str(block["text"])


def _gemini(answer: Body) -> str:
    return "".join(part.get("text", "") for part in answer["candidates"][0]["content"]["parts"])


SCHEMA = {"type": "object"}
CHAT_TOOL = {"type": "function", "function": {"name": "mail", "parameters": SCHEMA}}

FORMATS = {
    "chat": Format(
        "/v1/chat/completions", "/v1/chat/completions", _messages, _chat_delta, _chat_whole, [CHAT_TOOL]
    ),
    "text": Format(
        "/v1/completions", "/v1/completions",
        lambda texts: {"model": "m", "prompt": texts[-1]},
        lambda event: "".join(choice["text"] for choice in event.get("choices", ())),
        lambda answer: str(answer["choices"][0]["text"]),
    ),
    "responses": Format(
        "/v1/responses", "/v1/responses",
        lambda texts: {"model": "m", "input": texts[-1]},
        lambda event: event["delta"] if event["type"].endswith(".delta") else "",
        _responses_whole, [{"type": "function", "name": "mail", "parameters": SCHEMA}],
    ),
    "anthropic": Format(
        "/v1/messages", "/v1/messages", _messages, _anthropic_delta, _anthropic_whole,
        [{"name": "mail", "input_schema": SCHEMA}],
    ),
    "gemini": Format(
        "/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent?alt=sse",
        _contents, _gemini, _gemini,
    ),
    "ollama": Format(
        "/api/chat", "/api/chat", _messages,
        lambda event: event["message"]["content"], lambda answer: str(answer["message"]["content"]),
    ),
    "cohere": Format(
        "/v2/chat", "/v2/chat", _messages,
        lambda event: event["delta"]["message"]["content"]["text"] if event["type"] == "content-delta" else "",
        lambda answer: str(answer["message"]["content"][0]["text"]),
    ),
}  # fmt: skip


def events(data: bytes) -> Iterator[Body]:
    """The events of a stream that are complete; lines of JSON are events as well."""
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        source = line.removeprefix(b"data: ")
        if source.startswith(b"{"):
            yield json.loads(source)


def streamed(format_: Format, data: bytes) -> str:
    """What a stream says, as far as it came."""
    return "".join(map(format_.delta, events(data)))
