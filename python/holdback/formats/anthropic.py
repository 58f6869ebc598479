"""The Messages API of Anthropic: named events, content block by content block.

A channel is one kind of delta of one block. It ends with its block, which closes it: the next block of that index is
another. All end with the message, and with an error. The tail then leaves in a ``content_block_delta`` of its own, just
before.

A block may begin with text that its deltas continue; that is the first piece of the channel. Every other value of a
block's start is whole, and so is a citation.

Thinking is signed: the next request must contain it to the byte. So it is left alone unless signed text is asked for,
because the answer is for display only. Signatures, encrypted content and base64 are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
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
from holdback.engine.steps import Drain, End, Feed, Key, Step, Whole
from holdback.formats.base import Format, begun, type_of

DELTAS = {
    "text_delta": text("text_delta", "index", content=True),
    "input_json_delta": source("input_json_delta", "index"),
    "thinking_delta": text("thinking_delta", "index", channel="signed"),
    "compaction_delta": text("compaction_delta", "index", channel="signed"),
}
FIELDS = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "compaction_delta": "content",
}
"""Where the deltas of a type carry text. The types are the kinds of channels."""

CITATION: Shape = {"cited_text": TEXT, "document_title": TEXT, "title": TEXT, "source": TEXT, "url": TEXT}
FAILED: dict[str, Any] = {"error_message": TEXT}
"""What stands in place of a tool's result."""
RUN: Shape = {"content": {"stdout": TEXT, "stderr": TEXT, **FAILED}}
STOP_DETAILS: Shape = {"explanation": TEXT}
OTHER_BLOCKS: dict[str, Any] = {
    "tool_use": {"name": TOOL, "input": JSON},
    "server_tool_use": {"name": PROVIDER_TOOL, "input": JSON},
    "mcp_tool_use": {"name": PROVIDER_TOOL, "input": JSON},
    "mcp_tool_result": {"content": (TEXT, [{"text": TEXT, "citations": [CITATION]}])},
    "web_search_tool_result": {"content": ([{"title": TEXT, "url": TEXT}], FAILED)},
    "web_fetch_tool_result": {
        "content": {
            "url": TEXT,
            "content": {"title": TEXT, "source": ByType({"text": {"data": TEXT}})},
            **FAILED,
        }
    },
    "code_execution_tool_result": RUN,
    "bash_code_execution_tool_result": RUN,
    "text_editor_code_execution_tool_result": {"content": {"content": TEXT, "lines": [TEXT], **FAILED}},
    "tool_search_tool_result": {"content": FAILED},
    "advisor_tool_result": {"content": {"text": TEXT, **FAILED}},
}
BLOCK = ByType(
    {
        "text": {"text": CONTENT, "citations": [CITATION]},
        "thinking": {"thinking": SIGNED},
        "compaction": {"content": SIGNED},
        **OTHER_BLOCKS,
    }
)
STARTED = ByType(
    {
        "text": {"text": DELTAS["text_delta"], "citations": [CITATION]},
        "thinking": {"thinking": DELTAS["thinking_delta"], "citations": [CITATION]},
        "compaction": {"content": DELTAS["compaction_delta"], "citations": [CITATION]},
        **OTHER_BLOCKS,
    }
)
"""A block that begins: its deltas may go on with its text."""

STOPPED: Shape = {"stop_reason": event("stop"), "stop_sequence": TEXT, "stop_details": STOP_DETAILS}
AT = {"index": address("index")}
KIND = {"type": event("kind")}
ERROR = {"error": event("error")}


class Anthropic(Format):
    """One stream of a message. The key of a channel is ``(block index, type of delta, None)``."""

    __slots__ = ()

    NAMED_EVENTS = True
    IS_ONE = True
    ANSWER = {"content": [BLOCK], "stop_sequence": TEXT, "stop_details": STOP_DETAILS}
    SHAPE = ByType(
        {
            "content_block_delta": {
                **AT,
                **ERROR,
                "delta": ByType(
                    {
                        **{kind: {FIELDS[kind]: slot} for kind, slot in DELTAS.items()},
                        "citations_delta": {"citation": CITATION},
                    }
                ),
            },
            "content_block_start": {**KIND, **AT, **ERROR, "content_block": STARTED},
            "content_block_stop": {**KIND, **AT, **ERROR},
            "message_start": {**KIND, **ERROR, "message": ANSWER},
            "message_delta": {**ERROR, "delta": STOPPED},
            "message_stop": KIND,
            OTHER: ERROR,
        }
    )

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        return (type_of(event) or "").startswith(("message_", "content_block_"))

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return type_of(answer) == "message" and isinstance(answer.get("content"), list)

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        before: list[Step] = []
        steps: list[Step] = []
        ends = False
        index = _index(event)
        for mark in event.marks:
            slot, _, value, _ = mark
            if slot.is_text:
                addresses = addresses_of(mark, event)
                steps.append(Feed((index, slot.name, None), mark, addresses))
            elif slot.is_whole:
                steps.append(Whole(mark))
            elif slot.name == "kind":
                if value == "content_block_stop":
                    before.append(End(index, closes=True))
                elif value == "content_block_start":
                    before += [End(index, closes=True), *begun((index, None), event)]
                elif value == "message_stop":
                    ends = True
            elif slot.name == "error":
                before.insert(0, Drain())
                ends = True
            else:  # why the message stops
                ends = True
        return [*before, *steps, Drain()] if ends else before + steps

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        index, kind, _ = key
        at = {} if index is None else {"index": index}
        return {"type": "content_block_delta", **at, "delta": {"type": kind, FIELDS[kind]: tail}}


def _index(event: Event) -> Any:
    """What the block of an event goes by."""
    index = event.addresses.get(("index", ()))
    return None if index == "" else index
