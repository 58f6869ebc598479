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
from holdback.engine.shapes import CONTENT, JSON, RESULT, TEXT, THOUGHT, TOOL, ByType, Shape, Slot, event
from holdback.engine.steps import Key
from holdback.formats.base import type_of
from holdback.formats.typed import KIND, NAME, Channel, Typed

AT = Channel(("index",))
CHANNELS = {
    "content": AT._replace(content=True),
    "thinking": AT,
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
    "sources": [ByType({"tool": {"tool_output": RESULT}, "document": {"document": RESULT}})],
}
ANSWER: Shape = {
    "message": {
        "content": [ByType({"text": {"text": CONTENT}, "thinking": {"thinking": THOUGHT}})],
        "tool_plan": TEXT,
        "tool_calls": [{"function": {"name": TOOL, "arguments": JSON}}],
        "citations": [CITATION],
    }
}

BLOCK: Shape = {
    "content": {
        "text": CHANNELS["content"].slot("content"),
        "thinking": CHANNELS["thinking"].slot("thinking"),
    }
}


def _call(name: Slot) -> Shape:
    return {"tool_calls": {"function": {"name": name, "arguments": CHANNELS["arguments"].slot("arguments")}}}


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
    for other in (AT.addresses, *others):
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
            "content-end": {**KIND, **AT.addresses},
            "tool-plan-delta": {"delta": {"message": {"tool_plan": CHANNELS["tool_plan"].slot("tool_plan")}}},
            "tool-call-start": _says(_call(TOOL), KIND),
            "tool-call-delta": _says(_call(NAME)),
            "tool-call-end": {**KIND, **AT.addresses},
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
    BEGINS = frozenset({"tool-call-start"})
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
