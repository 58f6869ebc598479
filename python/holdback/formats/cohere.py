"""Cohere's v2 chat: typed events, content block by content block and call by call.

Content and calls have indexes of their own; the plan for the calls has none, and there is one of it. A block may
begin with text that its deltas continue. A citation is whole, and so are the documents and outputs of tools that it
names: they come from the request, where their text was masked. Its ``start`` and ``end`` count characters of the
masked text and stay as they are.

Log probabilities and the prompt in ``debug`` are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer
from holdback.engine.objects import members
from holdback.engine.shapes import JSON, TEXT, ByType, Shape, event
from holdback.engine.steps import Key
from holdback.formats.base import type_of
from holdback.formats.typed import KIND, Channel, Typed

CONTENT = Channel(("index",))
CHANNELS = {
    "content": CONTENT,
    "thinking": CONTENT,
    "tool_plan": Channel(),
    "arguments": Channel(("index",), json=True),
}
PATHS = {
    "content": ("content-delta", "content", "text"),
    "thinking": ("content-delta", "content", "thinking"),
    "tool_plan": ("tool-plan-delta", "tool_plan"),
    "arguments": ("tool-call-delta", "tool_calls", "function", "arguments"),
}
"""The type of the events that carry a kind of text, and where in their message it stands."""

CITATION: Shape = {
    "text": TEXT,
    "sources": [ByType({"tool": {"tool_output": JSON}, "document": {"document": JSON}})],
}
ANSWER: Shape = {
    "message": {
        "content": [ByType({"text": {"text": TEXT}, "thinking": {"thinking": TEXT}})],
        "tool_plan": TEXT,
        "tool_calls": [{"function": {"arguments": JSON}}],
        "citations": [CITATION],
    }
}

BLOCK: Shape = {"content": {"text": CONTENT.slot("content"), "thinking": CONTENT.slot("thinking")}}
CALL: Shape = {"tool_calls": {"function": {"arguments": CHANNELS["arguments"].slot("arguments")}}}
TYPES = (
    "message-start",
    "content-start",
    "content-delta",
    "tool-plan-delta",
    "tool-call-start",
    "tool-call-delta",
    "citation-start",
)
"""The types of events that have a message in them."""


def _says(message: Shape, *others: dict[str, Any]) -> Shape:
    """The shape of an event that has a message in its delta."""
    shape: dict[str, Any] = {"delta": {"message": message}}
    for other in (CONTENT.addresses, *others):
        shape |= other
    return shape


class Cohere(Typed):
    """One stream of a v2 chat."""

    __slots__ = ()

    CHANNELS = CHANNELS
    ANSWER = ANSWER
    SHAPE = ByType(
        {
            "content-start": _says(BLOCK, KIND),
            "content-delta": _says(BLOCK),
            "content-end": {**KIND, **CONTENT.addresses},
            "tool-plan-delta": {"delta": {"message": {"tool_plan": CHANNELS["tool_plan"].slot("tool_plan")}}},
            "tool-call-start": _says(CALL, KIND),
            "tool-call-delta": _says(CALL),
            "tool-call-end": {**KIND, **CONTENT.addresses},
            "citation-start": {"delta": {"message": {"citations": CITATION}}},
            "message-end": KIND,
            "": {"error": event("error")},
        }
    )
    CLOSES = {
        "content-start": ("content", "thinking"),
        "content-end": ("content", "thinking"),
        "tool-call-start": ("tool_plan", "arguments"),
        "tool-call-end": ("arguments",),
    }
    DRAINS = frozenset({"message-end"})

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if type_of(event) not in TYPES:
            return False
        return members((members(event.get("delta")) or {}).get("message")) is not None

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        message = members(answer.get("message"))
        return message is not None and "finish_reason" in answer and "done" not in answer

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        kind, *path = PATHS[key[1]]
        said: Any = tail
        for name in reversed(path):
            said = {name: said}
        return {"type": kind, **self.ids_of(key), "delta": {"message": said}}
