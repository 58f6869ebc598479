"""Streams for tests: chunks as providers send them, and a client that puts the answer together."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from holdback import ChunkRestorer

PAIRS = {
    "<PERSON_1>": "Ada Lovelace",
    "<PERSON_2>": "Bo",
    "<PERSON_10>": "Łukasz 😀",
    "<EMAIL_1>": "ada@example.org",
    "<QUOTED_1>": 'a "b" \\ c\nd',
    "Ann": "Cy",
    "Ann Lee": "Dee",
}
ENVELOPE = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m-1"}
TEXT_ENVELOPE = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "m-1"}
FIELDS = ("content", "refusal", "reasoning_content", "reasoning")


def chat(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chat chunk of one choice; ``more`` goes into the choice."""
    return {**ENVELOPE, "choices": [{"index": index, "delta": delta, "finish_reason": finish, **more}]}


def say(text: Any, field: str = "content", index: int = 0) -> dict[str, Any]:
    return chat({field: text}, index=index)


def call(arguments: str | None, index: int | None = 0, **more: Any) -> dict[str, Any]:
    """A chat chunk with a fragment of one tool call's arguments."""
    numbered = {} if index is None else {"index": index}
    return chat({"tool_calls": [{**numbered, **more, "function": {"arguments": arguments}}]})


def text(value: str | None, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    return {
        **TEXT_ENVELOPE,
        "choices": [{"index": index, "text": value, "finish_reason": finish, "logprobs": None}],
    }


STOP = chat({}, "stop")


def restore(
    chunks: Iterable[Any], pairs: Any = PAIRS, config: Any = None, protocol: str = "openai-chat"
) -> list[Any]:
    """What leaves, the end of the stream included."""
    restorer = ChunkRestorer(pairs, config, protocol=protocol)
    return [out for chunk in chunks for out in restorer.feed(chunk)] + restorer.flush()


def heard(chunks: Iterable[Any]) -> dict[tuple[Any, ...], str]:
    """What a client puts together: the whole text of every field of every choice that said anything."""
    out: dict[tuple[Any, ...], str] = {}

    def hear(key: tuple[Any, ...], piece: Any) -> None:
        if isinstance(piece, str) and piece:
            out[key] = out.get(key, "") + piece

    for chunk in chunks:
        for choice in chunk.get("choices") or []:
            index, delta = choice.get("index", 0), choice.get("delta") or {}
            hear((index, "text"), choice.get("text"))
            for field in FIELDS:
                hear((index, field), delta.get(field))
            if isinstance(parts := delta.get("content"), list):
                for part in parts:
                    hear((index, "content"), part if isinstance(part, str) else part.get("text"))
            hear((index, "audio"), (delta.get("audio") or {}).get("transcript"))
            hear((index, "function_call"), (delta.get("function_call") or {}).get("arguments"))
            for position, tool in enumerate(delta.get("tool_calls") or []):
                name = tool.get("index", tool.get("id", position))
                hear((index, "tool", name), (tool.get("function") or {}).get("arguments"))
                hear((index, "tool", name), (tool.get("custom") or {}).get("input"))
    return out


def events(sent: Iterable[str]) -> list[Any]:
    """The chunks in SSE strings, which must be whole events and end with the one [DONE]."""
    *body, last = list(sent)
    assert last == "data: [DONE]\n\n"
    out = []
    for event in body:
        assert event.startswith("data: ")
        assert event.endswith("\n\n")
        assert len(event.splitlines()) == 2
        event.encode()
        out.append(json.loads(event[6:]))
    return out


class Upstream:
    """An async source that counts what is asked of it and may fail after some items."""

    def __init__(self, items: Sequence[Any], error: BaseException | None = None) -> None:
        self.items = items
        self.error = error
        self.taken = 0
        self.closed = 0

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self.taken < len(self.items):
            self.taken += 1
            return self.items[self.taken - 1]
        if self.error is not None:
            raise self.error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1
