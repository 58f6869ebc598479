"""The Realtime API of OpenAI: the events that a server sends over a WebSocket.

A channel is one kind of delta event of one part of one item of one response. It ends with its own ``.done``, at the
latest with its part, its item or its response. The tail then leaves in a delta event of its own, which has the
channel's ids and repeats the last ``event_id`` that was seen. Text comes once more in ``.done``, in the part, in the
item and in the response: wholes, which are counted where no delta said them. An item of the conversation is not: it
was said in a response, or by the user.

Both names of each event are read, the present one and that of the beta. An error ends nothing: the session goes on.
Audio is never read: speech says the placeholder. Nor is what was heard of the user's speech, nor the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer
from holdback.engine.marks import Event
from holdback.engine.shapes import (
    CONTENT,
    JSON,
    OTHER,
    PROVIDER_TOOL,
    SAID,
    TEXT,
    TOOL,
    ByType,
    Shape,
    address,
    latest,
)
from holdback.engine.steps import End, Key, Step, Whole
from holdback.formats.base import begun, type_of
from holdback.formats.response_wholes import Said, ids_in
from holdback.formats.typed import KIND, Channel, Typed

OF_ITEM = ("response_id", "item_id", "output_index")
OF_PART = Channel((*OF_ITEM, "content_index"))
OF_TEXT = OF_PART._replace(content=True)
OF_CALL = Channel(OF_ITEM, json=True)
CHANNELS = {
    "response.output_text": OF_TEXT,
    "response.text": OF_TEXT,
    "response.output_audio_transcript": OF_PART,
    "response.audio_transcript": OF_PART,
    "response.function_call_arguments": OF_CALL,
    "response.mcp_call_arguments": OF_CALL,
}
"""The kinds of text, by what their events' types begin with."""

DONE = {kind: "arguments" if one.json else kind.rpartition("_")[2] for kind, one in CHANNELS.items()} | {
    "response.text": "text"
}
"""Where the ``.done`` event of a kind repeats the text."""

WRITTEN: dict[str, Shape] = {"text": CONTENT}
SPOKEN: dict[str, Shape] = {"transcript": SAID}
PART = ByType(
    {
        **dict.fromkeys(("text", "output_text"), WRITTEN),
        "input_text": {"text": TEXT},
        **dict.fromkeys(("audio", "output_audio"), SPOKEN),
        "": {**WRITTEN, **SPOKEN},
    }
)
ITEM = ByType(
    {
        "message": {"content": [PART]},
        "function_call": {"name": TOOL, "arguments": JSON},
        "function_call_output": {"output": TEXT},
        "mcp_call": {"name": PROVIDER_TOOL, "arguments": JSON, "output": TEXT, "error": {"message": TEXT}},
        "mcp_approval_request": {"name": PROVIDER_TOOL, "arguments": JSON},
    }
)
ITEM_WITH_ID = ByType(
    {
        **{kind: {**shape, "id": address("own_id")} for kind, shape in ITEM.items()},
        OTHER: {"id": address("own_id")},
    }
)
ANSWER: dict[str, Shape] = {"output": [ITEM]}
IDS = {"event_id": latest("event_id"), **OF_PART.addresses}


MOST_RESPONSES = 100
"""Of so many responses that are not done it is known what they said; the items of older ones count for nothing."""


class Realtime(Typed):
    """One session. The key of a channel is ``((response id,), kind, (item id, output index, index in the item))``."""

    __slots__ = ("_open", "_said")

    CHANNELS = CHANNELS
    GROUP = 1
    ANSWER = ANSWER
    SHAPE = ByType(
        {
            **{
                f"{kind}.delta": {"event_id": IDS["event_id"], **one.addresses, "delta": one.slot(kind)}
                for kind, one in CHANNELS.items()
            },
            **{
                f"{kind}.done": {
                    **KIND,
                    **IDS,
                    DONE[kind]: JSON if one.json else CONTENT if one.content else SAID,
                }
                for kind, one in CHANNELS.items()
            },
            **{
                f"response.content_part.{edge}": {**KIND, **IDS, "part": {**WRITTEN, **SPOKEN}}
                for edge in ("added", "done")
            },
            **{
                f"response.output_item.{edge}": {**KIND, **IDS, "item": ITEM_WITH_ID}
                for edge in ("added", "done")
            },
            **{
                f"conversation.item.{edge}": {"event_id": IDS["event_id"], "item": ITEM}
                for edge in ("created", "added", "done", "retrieved")
            },
            **{
                f"response.{edge}": {**KIND, **IDS, "response": {**ANSWER, "id": address("own_id")}}
                for edge in ("created", "done")
            },
            OTHER: {"event_id": IDS["event_id"]},
        }
    )
    CLOSES = {
        **{f"{kind}.done": (kind,) for kind in CHANNELS},
        "response.content_part.done": tuple(kind for kind, one in CHANNELS.items() if not one.json),
    }
    DRAINS = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[Any, dict[Key, None]] = {}  # (response, item) -> its channels that are open
        self._said: dict[Any, Said] = {}  # response -> what it said

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        kind = type_of(event) or ""
        is_ours = kind.startswith(("response.", "conversation.", "session.", "input_audio_buffer."))
        return is_ours and isinstance(event.get("event_id"), str) and "sequence_number" not in event

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == "realtime.response"

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        ids = ids_in(event)
        kinds = [mark[2] for mark in event.marks if mark[0].name == "kind" and isinstance(mark[2], str)]
        kind = kinds[0] if kinds else ""
        is_response = kind.count(".") == 1
        said = self._of_response(ids.get("own_id" if is_response else "response_id"))
        for slot, _, value, _ in event.marks:
            if slot.is_text and value:
                key = self.key(slot.name, self.ids(slot.name, event))
                self._open.setdefault((key[0], key[2][0]), {})[key] = None
                said.fed(slot.channel, ids, has_index="content_index" in CHANNELS[slot.name].ids)
        steps = super().steps(event, answer)
        for step in steps:
            if type(step) is Whole:  # the items of a conversation were said in a response, or by the user
                step.repeats = not kind or said.repeats(kind, step.mark, ids)
        said.settle()
        if kind == "response.done":
            del self._said[ids.get("own_id")]
        return steps

    def _of_response(self, response: Any) -> Said:
        if response not in self._said and len(self._said) >= MOST_RESPONSES:
            del self._said[next(iter(self._said))]
        return self._said.setdefault(response, Said())

    def ends(self, kind: str, event: Event) -> list[Step]:
        own = event.addresses.get(("own_id", ()))
        response = event.addresses.get(("response_id", ()))
        if kind == "response.done":
            for item in [item for item in self._open if item[0] == (own,)]:
                del self._open[item]
            return [End((own,), closes=True)]
        if kind == "response.output_item.added":
            return begun(((response,), (own, event.addresses.get(("output_index", ())))), event)
        if kind == "response.output_item.done":
            keys = self._open.pop(((response,), own), {})
            return [End(group, (name,), (ids,), closes=True) for group, name, ids in keys]
        return super().ends(kind, event)

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        chunk = {"type": f"{key[1]}.delta", **self.ids_of(key), "delta": tail}
        found = answer.latest(self.shapes().latest)
        return chunk if found is None else {**chunk, "event_id": found[0]}
