"""The Messages API of Anthropic: named events, content block by content block.

A channel is one kind of delta of one block. It ends with its block; all end with the message, and with an
error. The tail then leaves in a ``content_block_delta`` of its own, just before.

A block may begin with text that its deltas continue; that is the first piece of the channel. Every other
value of a block's start is whole, and so is a citation.

Thinking is signed: the next request must contain it to the byte. So it is left alone unless ``reasoning``
says that the answer is for display only. Signatures, encrypted content and base64 are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from holdback.chunks import members
from holdback.protocols.outcome import Draft, Format, Outcome
from holdback.protocols.shapes import JSON, SIGNED, TEXT, ByType, Shape, read_whole, type_of

if TYPE_CHECKING:
    from holdback.channels import Channels, Key


class Delta(NamedTuple):
    """Where the deltas of a type carry text."""

    field: str
    json: bool = False
    signed: bool = False


DELTAS = {
    "text_delta": Delta("text"),
    "input_json_delta": Delta("partial_json", json=True),
    "thinking_delta": Delta("thinking", signed=True),
    "compaction_delta": Delta("content", signed=True),
}
CONTINUED = {"text": "text_delta", "thinking": "thinking_delta", "compaction": "compaction_delta"}
"""The deltas that go on with the text that a block of that type begins with."""

CITATION: Shape = {"cited_text": TEXT, "document_title": TEXT, "title": TEXT, "source": TEXT, "url": TEXT}
CITATIONS: Shape = {"citations": [CITATION]}
RUN: Shape = {"content": {"stdout": TEXT, "stderr": TEXT}}
BLOCK = ByType(
    text={"text": TEXT, "citations": [CITATION]},
    thinking={"thinking": SIGNED},
    compaction={"content": SIGNED},
    tool_use={"input": JSON},
    server_tool_use={"input": JSON},
    mcp_tool_use={"input": JSON},
    mcp_tool_result={"content": (TEXT, [{"text": TEXT}])},
    web_search_tool_result={"content": [{"title": TEXT, "url": TEXT}]},
    web_fetch_tool_result={
        "content": {"url": TEXT, "content": {"title": TEXT, "source": ByType(text={"data": TEXT})}}
    },
    code_execution_tool_result=RUN,
    bash_code_execution_tool_result=RUN,
    text_editor_code_execution_tool_result={"content": {"content": TEXT, "lines": [TEXT]}},
    advisor_tool_result={"content": {"text": TEXT}},
)
STOP: Shape = {"stop_sequence": TEXT}  # the caller's own string
ANSWER: Shape = {"content": [BLOCK], "stop_sequence": TEXT}


class Anthropic(Format):
    """One stream of a message. The key of a channel is ``(block index, type of delta)``."""

    __slots__ = ()

    NAMED_EVENTS = True
    JSON_FIELD = "_json"  # of `partial_json`
    ANSWER = ANSWER

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        kind = type_of(event) or ""
        if kind.startswith(("message_", "content_block_")):
            return True
        is_error = kind == "error" and members(event.get("error")) is not None
        return is_error or (kind == "ping" and len(event) == 1)

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return type_of(answer) == "message" and isinstance(answer.get("content"), list)

    def read(self, chunk: Any, channels: Channels) -> Outcome | None:
        node = members(chunk)
        if node is None:
            return None
        kind, at = type_of(node), node.get("index")
        index = at if isinstance(at, int) else None
        draft = Draft(channels, [])
        delta = members(node.get("delta")) or {}
        if kind == "content_block_delta":
            self._read_delta(draft, index, delta)
        elif kind == "content_block_start":
            self._end(draft, index, channels)
            self._read_start(draft, index, members(node.get("content_block")) or {})
        elif kind == "content_block_stop":
            self._end(draft, index, channels)
        elif kind == "message_start":
            read_whole(draft, (), node, {"message": ANSWER}, reasoning=self._reasoning)
        elif kind == "message_delta":
            if delta.get("stop_reason"):
                draft.before += self.drain(channels)
            read_whole(draft, ("delta",), delta, STOP)
        elif kind == "message_stop" or node.get("error"):
            draft.before += self.drain(channels)
        return draft.outcome(again=kind == "content_block_delta")

    def drain(self, channels: Channels) -> list[dict[str, Any]]:
        return [_tail(key, tail) for key, tail in channels.drain()]

    def _read_delta(self, draft: Draft, index: int | None, delta: Mapping[str, Any]) -> None:
        kind = type_of(delta) or ""
        if kind == "citations_delta":
            read_whole(draft, ("delta", "citation"), delta.get("citation"), CITATION)
        else:
            self._read_text(draft, index, kind, "delta", delta)

    def _read_start(self, draft: Draft, index: int | None, block: Mapping[str, Any]) -> None:
        kind = CONTINUED.get(type_of(block) or "")
        if kind is None:
            read_whole(draft, ("content_block",), block, BLOCK)
            return
        self._read_text(draft, index, kind, "content_block", block)
        read_whole(draft, ("content_block",), block, CITATIONS)

    def _read_text(
        self, draft: Draft, index: int | None, kind: str, at: str, node: Mapping[str, Any]
    ) -> None:
        delta = DELTAS.get(kind)
        if delta is None or (delta.signed and not self._reasoning):
            return
        if isinstance(text := node.get(delta.field), str):
            draft.text((index, kind), (at, delta.field), text, json=delta.json)

    def _end(self, draft: Draft, index: int | None, channels: Channels) -> None:
        for key in channels.keys_of(index):
            if tail := channels.end(key):
                draft.before.append(_tail(key, tail))


def _tail(key: Key, tail: str) -> dict[str, Any]:
    index, kind = key
    at = {} if index is None else {"index": index}
    return {"type": "content_block_delta", **at, "delta": {"type": kind, DELTAS[kind].field: tail}}
