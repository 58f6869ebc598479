"""The UI message stream of Vercel's AI SDK: what an application's server sends to its front end.

A text, a piece of reasoning or the input of a tool call is one part, which goes by its id. The input of a tool ends
with the event that says it as a whole. Everything else that an event says is whole, too. A step or message that ends
ends all of its parts.

The input of a tool is JSON if it begins like a document, else text. Metadata of providers, files and the
application's own ``data-*`` parts are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer
from holdback.engine.shapes import (
    CONTENT,
    JSON,
    OTHER,
    PROVIDER_TOOL,
    RESULT,
    TEXT,
    THOUGHT,
    TOOL,
    ByType,
    Shape,
)
from holdback.engine.steps import Key
from holdback.formats.base import type_of
from holdback.formats.typed import KIND, Channel, Typed

PART = Channel(("id",))
CALL = Channel(("toolCallId",), json=True)
CHANNELS = {"text": PART._replace(content=True), "reasoning": PART, "tool-input": CALL}
FIELDS = {"text": "delta", "reasoning": "delta", "tool-input": "inputTextDelta"}
"""Where the deltas of a kind carry text."""

USED: dict[str, Shape] = {"input": JSON, "output": RESULT, "errorText": TEXT}
"""A call of a tool in a whole message. Only one of a dynamic tool says its name in a member of its own."""

OPENS_PART = tuple(f"{kind}-{edge}" for kind in ("text", "reasoning") for edge in ("start", "delta", "end"))


def _call(**more: Shape) -> Shape:
    """An event that names a tool, which may be one that the provider runs."""
    return ByType(
        {"true": {"toolName": PROVIDER_TOOL, **more}, OTHER: {"toolName": TOOL, **more}},
        name="providerExecuted",
    )


class UIMessageStream(Typed):
    """One stream of a message."""

    __slots__ = ()

    CHANNELS = CHANNELS
    SHAPE = ByType(
        {
            **{
                f"{kind}-delta": {**one.addresses, FIELDS[kind]: one.slot(kind)}
                for kind, one in CHANNELS.items()
            },
            **{
                f"{kind}-{edge}": {**KIND, **PART.addresses}
                for kind in ("text", "reasoning")
                for edge in ("start", "end")
            },
            "tool-input-start": _call(**KIND, **CALL.addresses),
            "tool-input-available": _call(**KIND, **CALL.addresses, input=JSON),
            "tool-input-error": _call(**KIND, **CALL.addresses, input=JSON, errorText=TEXT),
            "tool-output-available": {"output": RESULT},
            "tool-output-error": {"errorText": TEXT},
            "source-url": {"title": TEXT, "url": TEXT},
            "source-document": {"title": TEXT, "filename": TEXT},
            "finish-step": KIND,
            "reset-step": KIND,
            "finish": KIND,
            "abort": KIND,
            "error": {**KIND, "errorText": TEXT},
        }
    )
    ANSWER = {
        "parts": [
            ByType(
                {
                    "text": {"text": CONTENT},
                    "reasoning": {"text": THOUGHT},
                    "source-url": {"title": TEXT, "url": TEXT},
                    "source-document": {"title": TEXT, "filename": TEXT},
                    "dynamic-tool": _call(**USED),
                    OTHER: USED,
                }
            )
        ]
    }
    CLOSES = {
        **{f"{kind}-{edge}": (kind,) for kind in ("text", "reasoning") for edge in ("start", "end")},
        **{f"tool-input-{edge}": ("tool-input",) for edge in ("start", "available", "error")},
    }
    BEGINS = frozenset({"tool-input-start"})
    DRAINS = frozenset({"finish-step", "reset-step", "finish", "abort", "error"})

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        kind = type_of(event) or ""
        if kind in OPENS_PART:
            return isinstance(event.get("id"), str)
        if kind.startswith(("tool-input-", "tool-output-")):
            return isinstance(event.get("toolCallId"), str)
        return kind == "start-step" or (kind == "start" and isinstance(event.get("messageId"), str))

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("role") == "assistant" and isinstance(answer.get("parts"), list)

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        return {"type": f"{key[1]}-delta", **self.ids_of(key), FIELDS[key[1]]: tail}
