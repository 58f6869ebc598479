"""AG-UI: the events that an agent sends to a front end.

A message, a piece of reasoning or the arguments of a call is a channel, which goes by its id and ends with an event of
its own. The three ``_CHUNK`` events say the same without beginning or end: one without an id goes on with the last of
its kind, and every other event ends them (but ``RAW``, which clients take to say nothing), since a client does. Text of
another kind ends them too, but what goes on with the same id is still the same. All end with the run.

Wholes are results of tools, snapshots of the messages, and results and errors of runs. The state, activities, custom
events, the provider's own events in ``RAW`` and the echo of the request are the application's, and are not read. Names
are read in the spelling of the wire and in that of the Python SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer
from holdback.engine.marks import Event, Mark
from holdback.engine.shapes import CONTENT, JSON, OTHER, RESULT, TEXT, TOOL, ByType, Shape, Slot, address
from holdback.engine.steps import End, Key, Named, Step, Whole
from holdback.formats.base import type_of
from holdback.formats.typed import KIND, MOST_FED, NAME, Channel, Typed

MESSAGE_ID = Channel(("messageId",))
SAID_ID = MESSAGE_ID._replace(content=True)
CALL_ID = Channel(("toolCallId",), json=True)
CHANNELS = {
    "TEXT_MESSAGE_CONTENT": SAID_ID,
    "REASONING_MESSAGE_CONTENT": MESSAGE_ID,
    "TOOL_CALL_ARGS": CALL_ID,
    "TEXT_MESSAGE_CHUNK": SAID_ID,
    "REASONING_MESSAGE_CHUNK": MESSAGE_ID,
    "TOOL_CALL_CHUNK": CALL_ID,
}
"""The kinds of text are the types of the events that carry them."""

CHUNK_CALL = "chunk"
"""What the call goes by that chunks tell of."""

CHUNKS = tuple(kind for kind in CHANNELS if kind.endswith("_CHUNK"))
SNAKE = {"messageId": "message_id", "toolCallId": "tool_call_id"}


def _named(slot: Slot) -> dict[str, Shape]:
    """The name of a tool, in both spellings."""
    return {"toolCallName": slot, "tool_call_name": slot}


PARTS: Shape = (TEXT, [ByType({"text": {"text": TEXT}})])
CALLS: Shape = [{"id": address("call"), "function": {"name": TOOL, "arguments": JSON}}]
MESSAGE: Shape = {
    "id": address("message"),
    "content": (CONTENT, [ByType({"text": {"text": TEXT}})]),
    "toolCalls": CALLS,
    "tool_calls": CALLS,
    "error": TEXT,
}


def _addresses(channel: Channel) -> dict[str, Slot]:
    (name,) = channel.ids
    return {name: address(name), SNAKE[name]: address(name)}


class AgUi(Typed):
    """One stream of runs. The key of what chunks say has no id."""

    __slots__ = ("_chunk_ids", "_said")

    CHANNELS = CHANNELS
    SHAPE = ByType(
        {
            **{kind: {**_addresses(one), "delta": one.slot(kind)} for kind, one in CHANNELS.items()},
            "TOOL_CALL_CHUNK": {
                **_addresses(CALL_ID),
                **_named(NAME),
                "delta": CALL_ID.slot("TOOL_CALL_CHUNK"),
            },
            **{
                f"{name}_{edge}": {**KIND, **_addresses(one)}
                for name, one in (
                    ("TEXT_MESSAGE", MESSAGE_ID),
                    ("REASONING_MESSAGE", MESSAGE_ID),
                    ("TOOL_CALL", CALL_ID),
                )
                for edge in ("START", "END")
            },
            "TOOL_CALL_START": {**KIND, **_addresses(CALL_ID), **_named(TOOL)},
            "TOOL_CALL_RESULT": {**KIND, "content": PARTS},
            "MESSAGES_SNAPSHOT": {**KIND, "messages": [MESSAGE]},
            "RUN_FINISHED": {**KIND, "result": RESULT, "outcome": {"interrupts": [{"message": TEXT}]}},
            "SUBAGENT_FINISHED": {**KIND, "result": RESULT},
            "RUN_ERROR": {**KIND, "message": TEXT},
            "SUBAGENT_ERROR": {**KIND, "message": TEXT},
            "RAW": {},
            OTHER: KIND,
        }
    )
    ANSWER = {"messages": [MESSAGE], "result": RESULT}
    CLOSES = {
        **{
            f"{name}_{edge}": (f"{name}_CONTENT",)
            for name in ("TEXT_MESSAGE", "REASONING_MESSAGE")
            for edge in ("START", "END")
        },
        "TOOL_CALL_START": ("TOOL_CALL_ARGS",),
        "TOOL_CALL_END": ("TOOL_CALL_ARGS",),
    }
    BEGINS = frozenset({"TOOL_CALL_START"})
    DRAINS = frozenset({"RUN_FINISHED", "RUN_ERROR"})
    ENDS = {kind: tuple(chunk for chunk in CHUNKS if chunk != kind) for kind in CHANNELS}

    def __init__(self) -> None:
        super().__init__()
        self._chunk_ids: dict[str, Any] = {}  # kind -> the id that its chunks said last
        self._said: dict[Any, None] = {}  # the ids of messages and calls that had text

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
        ends: list[Step] = []
        now = None
        is_named = False
        has_text = False
        for slot, _, value, _ in event.marks:
            if slot.is_text:
                now = slot.name
                if value:  # an empty one ends nothing, so that the lane may take it
                    has_text = True
                    ends.append(End((), self.ENDS[now], (None,)))
            elif slot.name == "name":
                is_named = True
            elif slot.name == "kind":
                ends.append(End((), CHUNKS, (None,), closes=True))
        if now is None and is_named:
            now = "TOOL_CALL_CHUNK"
        if now in CHUNKS and (is_named or has_text):
            said = self.ids(now, event)[0]
            if said is not None and said != self._chunk_ids.get(now):
                ends.append(End((), (now,), (None,), closes=True))
                if CHANNELS[now].json:
                    ends.append(Named(CHUNK_CALL, "", begins=True))
                self._chunk_ids[now] = said
        if has_text and now is not None and len(self._said) < MOST_FED:
            self._said[self._chunk_ids.get(now) if now in CHUNKS else self.ids(now, event)[0]] = None
        steps = super().steps(event, answer)
        for step in steps:
            if type(step) is Whole:
                step.repeats |= self._is_said(event, step.mark)
        return ends + steps

    def _is_said(self, event: Event, mark: Mark) -> bool:
        """Whether a message of a snapshot, or a call in one, was streamed before."""
        name, depth = ("call", 2) if mark[0].channel == "arguments" else ("message", 1)
        said = event.addresses.get((name, mark[1][:depth]))
        return said is not None and said in self._said

    def named(self, name: Any, event: Event) -> list[Step]:
        # Only chunks name a tool beside text.
        return [Named(CHUNK_CALL, name)] if isinstance(name, str) else []

    def tool_of(self, key: Key) -> Any:
        return CHUNK_CALL if key[1] == "TOOL_CALL_CHUNK" else super().tool_of(key)

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
