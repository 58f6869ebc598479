"""AWS Bedrock: the events of ConverseStream, and those of InvokeModel that no other format has.

An event is an object with one member, whose name says what it is: so boto3 gives it, and so its message is read. A
channel is one kind of delta of one block. It ends with its block; all end with ``messageStop``, and with an error. The
tail then leaves in a delta of its own, just before. Reasoning is signed and left alone unless signed text is asked for.

InvokeModelWithResponseStream sends the model's own events in chunks. Those of Anthropic and of OpenAI's formats are
theirs; here are the ones of Amazon's, Meta's and Mistral's models, whose text is one field.

Signatures, redacted and encrypted content, images and the metadata are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.objects import members
from holdback.engine.shapes import (
    CONTENT,
    JSON,
    OTHER,
    PROVIDER_TOOL,
    SIGNED,
    TEXT,
    TOOL,
    ByType,
    Shape,
    address,
    event,
    source,
    text,
)
from holdback.engine.shapes import RESULT as SOURCE
from holdback.engine.steps import Drain, End, Feed, Key, Step, Whole
from holdback.formats.base import Format, begun

PATHS = {
    "text": ("text",),
    "input": ("toolUse", "input"),
    "reasoning": ("reasoningContent", "text"),
}
"""Where the deltas of a kind carry text."""

CITATION: Shape = {"title": TEXT, "source": TEXT, "sourceContent": [{"text": TEXT}]}
RESULT: dict[str, Any] = {"text": TEXT, "json": SOURCE}
FOUND: dict[str, Any] = {
    "document": {"context": TEXT, "source": {"text": TEXT, "content": [{"text": TEXT}]}},
    "searchResult": {"source": TEXT, "title": TEXT, "content": [{"text": TEXT}]},
}


def _call(**more: Shape) -> Shape:
    """A call, which names its tool. The provider runs some."""
    return ByType(
        {"server_tool_use": {"name": PROVIDER_TOOL, **more}, OTHER: {"name": TOOL, **more}},
    )


BLOCK: Shape = {
    "text": CONTENT,
    "toolUse": _call(input=JSON),
    "toolResult": {"content": [{**RESULT, **FOUND}]},
    **FOUND,
    "reasoningContent": {"reasoningText": {"text": SIGNED}},
    "citationsContent": {"content": [{"text": CONTENT}], "citations": [CITATION]},
}
INDEX = {"contentBlockIndex": address("index")}
EDGES: dict[str, dict[str, Shape]] = {
    "contentBlockStart": {"start": {"toolUse": _call()}},
    "contentBlockStop": {},
}
EVENTS = ("messageStart", *EDGES, "contentBlockDelta", "messageStop")
ERRORS = (
    "error",
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
)
NATIVE = ("outputText", "generation", "outputs")


class Bedrock(Format):
    """One stream. The key of a channel is ``(block index, kind, position in a list or None)``."""

    __slots__ = ()

    IS_ONE = True
    SHAPE = {
        "contentBlockDelta": {
            **INDEX,
            "delta": {
                "text": text("text", "index", content=True),
                "toolUse": {"input": source("input", "index")},
                "reasoningContent": {"text": text("reasoning", "index", channel="signed")},
                "toolResult": [RESULT],
                "citation": CITATION,
            },
        },
        **{name: (event("edge"), {**INDEX, **shape}) for name, shape in EDGES.items()},
        "messageStop": event("end"),
        **{name: event("error") for name in ERRORS},
        "outputText": text("outputText", content=True),
        "completionReason": event("end"),
        "generation": text("generation", content=True),
        "stop_reason": event("end"),
        "outputs": [
            {"text": text("outputs", "output", content=True), "index": address("output", positional=True)}
        ],
    }
    ANSWER = {
        "output": {"message": {"content": [BLOCK]}},
        "results": [{"outputText": CONTENT}],
        "generation": CONTENT,
        "outputs": [{"text": CONTENT}],
    }

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if "type" in event or "choices" in event:
            return False
        return (
            any(members(event.get(name)) is not None for name in EVENTS)
            or (isinstance(event.get("outputText"), str) and "completionReason" in event)
            or (isinstance(event.get("generation"), str) and "stop_reason" in event)
            or (_first(event.get("outputs")).keys() >= {"text", "stop_reason"})
        )

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        said = members((members(answer.get("output")) or {}).get("message"))
        return (
            (said is not None and isinstance(said.get("content"), list))
            or (isinstance(answer.get("generation"), str) and "stop_reason" in answer)
            or "outputText" in _first(answer.get("results"))
            or (_first(answer.get("outputs")).keys() >= {"text", "stop_reason"})
        )

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        before: list[Step] = []
        steps: list[Step] = []
        ends = False
        for mark in event.marks:
            slot = mark[0]
            if slot.is_text:
                addresses = addresses_of(mark, event)
                own = addresses[0] if slot.name == "outputs" else None
                index = addresses[0] if slot.name in PATHS else None
                key = (index, slot.name, own)
                steps.append(Feed(key, mark, addresses))
            elif slot.is_whole:
                steps.append(Whole(mark))
            elif slot.name == "edge":
                index = event.addresses.get(("index", ()))
                before.append(End(index, closes=True))
                before += begun((index, None), event)
            elif slot.name == "error":
                before.append(Drain())
            else:
                ends = True
        return [*before, *steps, Drain()] if ends else before + steps

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        index, kind, own = key
        if kind == "outputs":
            return {"outputs": [{"index": own, "text": tail}]}
        if kind in NATIVE:
            return {kind: tail}
        said: Any = tail
        for name in reversed(PATHS[kind]):
            said = {name: said}
        at = {} if index is None else {"contentBlockIndex": index}
        return {"contentBlockDelta": {**at, "delta": said}}


def _first(value: Any) -> Mapping[str, Any]:
    """The members of the first element of a list; empty if there is none."""
    return (members(value[0]) if isinstance(value, list) and value else None) or {}


def event_in(chunk: Mapping[str, Any]) -> bytes | None:
    """The event of another format that stands as bytes in a chunk, as boto3 gives it."""
    found = (members(chunk.get("chunk")) or {}).get("bytes")
    return found if isinstance(found, bytes) else None


def with_event(chunk: Mapping[str, Any], source: bytes) -> dict[str, Any]:
    """The chunk with another event in it."""
    return {**chunk, "chunk": {**chunk["chunk"], "bytes": source}}
