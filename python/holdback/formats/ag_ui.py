"""AG-UI: the events that an agent sends to a front end.

A message, a piece of reasoning or the arguments of a call is a channel, which goes by its id and ends with an event of
its own. The three ``_CHUNK`` events say the same without beginning or end: one without an id goes on with the last of
its kind, and every other event ends them (but ``RAW``, which clients take to say nothing), since a client does. All end
with the run. Since any event may end a text in this way, none is left to the native lane.

Wholes are results of tools, snapshots of the messages, and results and errors of runs. The state, activities, custom
events, the provider's own events in ``RAW`` and the echo of the request are the application's, and are not read. Names
are read in the spelling of the wire and in that of the Python SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer
from holdback.engine.marks import Event
from holdback.engine.shapes import JSON, OTHER, TEXT, ByType, Shape, Slot, address
from holdback.engine.steps import End, Key, Step
from holdback.formats.base import is_text, type_of
from holdback.formats.typed import KIND, Channel, Typed

MESSAGE_ID = Channel(("messageId",))
CALL_ID = Channel(("toolCallId",), json=True)
CHANNELS = {
    "TEXT_MESSAGE_CONTENT": MESSAGE_ID,
    "REASONING_MESSAGE_CONTENT": MESSAGE_ID,
    "TOOL_CALL_ARGS": CALL_ID,
    "TEXT_MESSAGE_CHUNK": MESSAGE_ID,
    "REASONING_MESSAGE_CHUNK": MESSAGE_ID,
    "TOOL_CALL_CHUNK": CALL_ID,
}
"""The kinds of text are the types of the events that carry them."""

CHUNKS = tuple(kind for kind in CHANNELS if kind.endswith("_CHUNK"))
SNAKE = {"messageId": "message_id", "toolCallId": "tool_call_id"}

PARTS: Shape = (TEXT, [ByType({"text": {"text": TEXT}})])
CALLS: Shape = [{"function": {"arguments": JSON}}]
MESSAGE: Shape = {"content": PARTS, "toolCalls": CALLS, "tool_calls": CALLS, "error": TEXT}


def _addresses(channel: Channel) -> dict[str, Slot]:
    (name,) = channel.ids
    return {name: address(name), SNAKE[name]: address(name)}


class AgUi(Typed):
    """One stream of runs. The key of what chunks say has no id."""

    __slots__ = ("_chunk_ids",)

    CHANNELS = CHANNELS
    SHAPE = ByType(
        {
            **{kind: {**KIND, **_addresses(one), "delta": one.slot(kind)} for kind, one in CHANNELS.items()},
            **{
                f"{name}_{edge}": {**KIND, **_addresses(one)}
                for name, one in (
                    ("TEXT_MESSAGE", MESSAGE_ID),
                    ("REASONING_MESSAGE", MESSAGE_ID),
                    ("TOOL_CALL", CALL_ID),
                )
                for edge in ("START", "END")
            },
            "TOOL_CALL_RESULT": {**KIND, "content": PARTS},
            "MESSAGES_SNAPSHOT": {**KIND, "messages": [MESSAGE]},
            "RUN_FINISHED": {**KIND, "result": JSON, "outcome": {"interrupts": [{"message": TEXT}]}},
            "SUBAGENT_FINISHED": {**KIND, "result": JSON},
            "RUN_ERROR": {**KIND, "message": TEXT},
            "SUBAGENT_ERROR": {**KIND, "message": TEXT},
            "RAW": {},
            OTHER: KIND,
        }
    )
    ANSWER = {"messages": [MESSAGE], "result": JSON}
    CLOSES = {
        **{
            f"{name}_{edge}": (f"{name}_CONTENT",)
            for name in ("TEXT_MESSAGE", "REASONING_MESSAGE")
            for edge in ("START", "END")
        },
        "TOOL_CALL_START": ("TOOL_CALL_ARGS",),
        "TOOL_CALL_END": ("TOOL_CALL_ARGS",),
    }
    DRAINS = frozenset({"RUN_FINISHED", "RUN_ERROR"})

    def __init__(self) -> None:
        self._chunk_ids: dict[str, Any] = {}  # kind -> the id that its chunks said last

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        kind = type_of(event) or ""
        if kind in CHANNELS:
            return "delta" in event
        return kind.startswith(("TEXT_MESSAGE_", "REASONING_MESSAGE_", "TOOL_CALL_")) or (
            kind == "RUN_STARTED" and ("threadId" in event or "thread_id" in event)
        )

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return isinstance(answer.get("messages"), list) and "threadId" in answer and "runId" in answer

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        now = next((mark[0].name for mark in event.marks if is_text(mark[0])), None)
        ends: list[Step] = []
        if event.marks:
            ends = [End((), (kind,), (None,), closes=True) for kind in CHUNKS if kind != now]
        said = None if now is None else self.ids(now, event)[0]
        if now in CHUNKS and said is not None:
            if self._chunk_ids.setdefault(now, said) != said:
                ends.append(End((), (now,), (None,), closes=True))
            self._chunk_ids[now] = said
        return ends + super().steps(event, answer)

    def key(self, kind: str, ids: tuple[Any, ...]) -> Key:
        return ((), kind, None) if kind in CHUNKS else super().key(kind, ids)

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        kind = key[1]
        if kind in CHUNKS:
            said = self._chunk_ids.get(kind)
            ids = {} if said is None else {CHANNELS[kind].ids[0]: said}
        else:
            ids = self.ids_of(key)
        return {"type": kind, **ids, "delta": tail}
