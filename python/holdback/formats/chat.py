"""Chat completions: ``chat.completion.chunk``, as OpenAI defined it and many providers bend it.

Channels, each of its own: content, refusal, every name of reasoning and the audio transcript per choice; the
arguments of each tool call and of the old function call, which are JSON source; the input of custom calls. Content
is a string or a list of parts; either way it is one channel. A choice without an index goes by its position.

When they end: all of a choice's with its finish; its reasoning also where its content or a tool call begins; a call
also where another id *and* a name come under its index. The tail then leaves in the field's own place on that
chunk, else in a synthetic chunk just before it.

A call goes by its index; without one by its id. One without both, and an id that was not seen before and comes without
a name, is the call that began last at its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import At, Event, Mark
from holdback.engine.shapes import (
    CONTENT,
    INPUT,
    JSON,
    KEEPS,
    OTHER,
    PART_OF_CONTENT,
    REFUSED,
    SAID,
    SIGNED,
    TEXT,
    THOUGHT,
    TOOL,
    ByType,
    Emptied,
    Kind,
    Shape,
    address,
    event,
    once,
    part_of_thought,
    place,
    source,
    text,
)
from holdback.engine.steps import ANY, Drain, End, Feed, Finish, Key, Named, Step, Whole
from holdback.formats.base import ENVELOPE, ENVELOPE_SLOTS, Enveloped, first_choice
from holdback.formats.chat_places import CALL_TEXT, REASONING, Places

# What ends where an answer begins.
THINKING = (*REASONING, "thinking", "reasoning_summary")
# Types of a content part whose `text` is text; no type will do as well.
TEXT_PARTS = ("", "text", "output_text")

DROPPED = Emptied.EVENT
CALL = ("choice", "call", "call_at", "call_id", "call_name")


def _said(name: str, channel: str = "") -> Any:
    usual = "reasoning" if name in THINKING else "refusal" if name == "refusal" else "content"
    is_content = name == "content"
    return text(name, "choice", emptied=DROPPED, channel=channel or usual, content=is_content)


def _kept(shapes: dict[Any, Any]) -> dict[Any, Any]:
    """Shapes of members because of which a chunk leaves."""
    return {name: (shape, KEEPS) for name, shape in shapes.items()}


def _called(shape: dict[Any, Any]) -> dict[Any, Any]:
    """A call's function or custom tool: its name begins the call."""
    return {"name": (address("call_name"), once("call_begins", *CALL), KEEPS), **shape, OTHER: KEEPS}


DETAIL = ByType(
    {
        "reasoning.text": {
            "text": text("reasoning_details", "choice", "detail", channel="signed", emptied=DROPPED)
        },
        "reasoning.summary": {
            "summary": text("reasoning_summary", "choice", "detail", emptied=DROPPED, channel="reasoning")
        },
        OTHER: {OTHER: KEEPS},
    }
)
for _shape in (DETAIL["reasoning.text"], DETAIL["reasoning.summary"]):
    _shape |= {"index": address("detail", positional=True), "type": (), "format": (), OTHER: KEEPS}

REFERRED: dict[Any, Any] = dict.fromkeys(("title", "description", "url"), TEXT)
"""What thinking refers to."""
PART = {"text": _said("content"), "type": (), "index": (), OTHER: KEEPS}
CONTENT_PART = ByType(
    {
        **dict.fromkeys(TEXT_PARTS, PART),
        "thinking": {
            "thinking": (
                _said("thinking"),
                [{"text": _said("thinking"), "type": (), **_kept(REFERRED), OTHER: KEEPS}],
            ),
            "type": (),
            OTHER: KEEPS,
        },
        "resource": {"content": (KEEPS, {"text": TEXT}), OTHER: KEEPS},
        OTHER: {OTHER: KEEPS},
    }
)
TOOL_CALL: Shape = {
    "index": address("call"),
    "id": (address("call_id"), KEEPS),
    "function": (
        place("function"),
        _called({"arguments": (source("arguments", *CALL, emptied=DROPPED), JSON[1])}),
        KEEPS,
    ),
    "custom": (
        place("custom"),
        _called({"input": text("input", *CALL, emptied=DROPPED, channel="arguments")}),
        KEEPS,
    ),
    OTHER: KEEPS,
}
WHOLE_PART = ByType(
    {
        **{kind: {"text": PART_OF_CONTENT} for kind in TEXT_PARTS},
        "thinking": {
            "thinking": (
                part_of_thought("thinking"),
                [{"text": part_of_thought("thinking", arrays=2), **REFERRED}],
            )
        },
        "resource": {"content": {"text": TEXT}},
    }
)
MESSAGE: dict[Any, Any] = {
    **{name: (THOUGHT, {"text": SIGNED}, [{"text": part_of_thought(name)}]) for name in REASONING},
    "refusal": REFUSED,
    "content": (CONTENT, [(PART_OF_CONTENT, WHOLE_PART)]),
    "reasoning_details": [
        ByType({"reasoning.text": {"text": SIGNED}, "reasoning.summary": {"summary": THOUGHT}})
    ],
    "tool_calls": [{"function": {"name": TOOL, "arguments": JSON}, "custom": {"name": TOOL, "input": INPUT}}],
    "function_call": {"name": TOOL, "arguments": JSON},
    "audio": {"transcript": SAID},
    "annotations": [{"url_citation": {"title": TEXT, "url": TEXT}}],
}
DELTA: dict[Any, Any] = {
    **{
        name: (
            _said(name),
            {"text": _said(name, "signed"), OTHER: KEEPS},
            [{"text": _said(name), OTHER: KEEPS}],
        )
        for name in REASONING
    },
    "refusal": _said("refusal"),
    "content": (_said("content"), place("parts"), [(_said("content"), CONTENT_PART, KEEPS)]),
    "reasoning_details": [(DETAIL, KEEPS)],
    "tool_calls": ([(place("call"), address("call_at", positional=True), TOOL_CALL, KEEPS)], KEEPS),
    "function_call": (
        {
            "name": (once("function_begins", "choice"), KEEPS),
            "arguments": (source("function_call", "choice", emptied=DROPPED), JSON[1]),
            OTHER: KEEPS,
        },
        KEEPS,
    ),
    "audio": (place("audio"), {"transcript": _said("audio"), OTHER: KEEPS}),
    "annotations": (KEEPS, [{"url_citation": {"title": TEXT, "url": TEXT}}]),
    OTHER: KEEPS,
}
CHOICE: dict[Any, Any] = {
    "index": address("choice", positional=True),
    "delta": (place("delta"), DELTA, KEEPS),
    "message": ({**MESSAGE, OTHER: KEEPS}, KEEPS),
    "messages": ([MESSAGE], KEEPS),
    "finish_reason": (event("finish", "choice"), KEEPS),
    OTHER: KEEPS,
}
UNREAD = ("object", "system_fingerprint", "service_tier", "provider", "obfuscation")


class Chat(Enveloped):
    """One stream of chat completions.

    The key of a channel is ``(choice, field, None)``; that of a call ``(choice, "arguments" or "input", call)``.
    """

    __slots__ = ("_begun", "_call_at", "_call_ids", "_loose", "_varied")

    OBJECT = "chat.completion.chunk"
    SHAPE = {
        **ENVELOPE_SLOTS,
        **dict.fromkeys(UNREAD, ()),
        "choices": [(place("choice"), CHOICE, KEEPS)],
        "error": (event("error"), KEEPS),
        OTHER: KEEPS,
    }
    ANSWER = {"choices": [{"message": MESSAGE, "messages": [MESSAGE]}]}
    ENDS = dict.fromkeys(("content", "arguments", "input", "function_call"), THINKING)

    def __init__(self) -> None:
        super().__init__()
        # Of what most streams have nothing there are dicts without values: an empty one is smaller than a set.
        self._begun: dict[tuple[Any, Any], None] = {}  # the calls that have an index and were seen
        self._call_at: dict[tuple[Any, int], Any] = {}  # (choice, position) -> the call that began there last
        self._call_ids: dict[tuple[Any, Any], str] = {}  # (choice, call) -> its id
        self._loose: dict[Any, None] = {}  # the choices with calls that have no index
        self._varied: dict[tuple[Any, Any], None] = {}  # the calls whose id changes without a name

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        if event.get("object") == Chat.OBJECT:
            return True
        if event.get("object") == "text_completion" or "type" in event:
            return False
        choice, choices = first_choice(event), event.get("choices", "")
        is_text = "text" in choice and "delta" not in choice
        return not is_text and (choices is None or isinstance(choices, (list, tuple)))

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return answer.get("object") == "chat.completion" or "message" in first_choice(answer)

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        thinking: list[Step] = []
        saying: list[Step] = []
        finishing: list[Step] = []
        ending: dict[Any, At] = {}  # choices whose reasoning ends, with their positions
        is_error = False
        for mark in event.marks:
            slot, at, value, _ = mark
            name = slot.name
            if slot.is_text:
                choice = _choice(event, at)
                if slot.addresses == CALL:
                    self._call_steps(saying, mark, choice, event, answer)
                    if value:
                        ending[choice] = at
                elif name in THINKING or name == "refusal":
                    thinking.append(Feed((choice, name, None), mark, addresses_of(mark, event)))
                elif name == "reasoning_details":
                    addresses = addresses_of(mark, event)
                    thinking.append(Feed((choice, name, addresses[1]), mark, addresses))
                else:
                    saying.append(Feed((choice, name, None), mark, addresses_of(mark, event)))
                    if value and name != "audio":
                        ending[choice] = at
            elif slot.is_whole:
                saying.append(Whole(mark))
                if slot.kind is Kind.DOCUMENT:
                    ending[_choice(event, at)] = at
            elif slot.kind is Kind.ONCE:
                if name in ENVELOPE:
                    self._remember(mark, event, answer)
                    continue
                if answer.is_new(mark, addresses_of(mark, event)):
                    choice = _choice(event, at)
                    if name == "call_begins":
                        self._call_steps(saying, mark, choice, event, answer)
                    ending[choice] = at
                if isinstance(value, str):  # behind what ends another call
                    saying.append(Named((_choice(event, at), self._call_of(event, at, name)), value))
            elif name == "finish":
                choice = _choice(event, at)
                finishing.append(Finish(choice, mark, addresses_of(mark, event), Places(event, at)))
            elif name == "error":
                is_error = True
        ends: list[Step] = [
            End(choice, THINKING, (None,), place=Places(event, at)) for choice, at in ending.items()
        ]
        steps = thinking + ends + saying
        return [Drain(), *steps, Drain()] if is_error else steps + finishing

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        choice, field, own = key
        delta: dict[str, Any]
        if field in CALL_TEXT.values():
            kind = next(kind for kind, text in CALL_TEXT.items() if text == field)
            call = {"id" if isinstance(own, str) else "index": own, kind: {field: tail}}
            delta = {"tool_calls": [call]}
        elif field == "function_call":
            delta = {"function_call": {"arguments": tail}}
        elif field == "audio":
            delta = {"audio": {"transcript": tail}}
        elif field == "thinking":
            part = {"type": "thinking", "thinking": [{"type": "text", "text": tail}]}
            delta = {"content": [part]}
        elif field in {"reasoning_details", "reasoning_summary"}:
            text = "text" if field == "reasoning_details" else "summary"
            detail = {"type": f"reasoning.{text}", text: tail} | ({"index": own} if own is not None else {})
            delta = {"reasoning_details": [detail]}
        else:
            delta = {field: tail}
        return self._synthetic({"index": choice, "delta": delta, "finish_reason": None})

    def _call_steps(self, steps: list[Step], mark: Mark, choice: Any, event: Event, answer: Answer) -> None:
        """The steps of a mark inside a call: another call may begin with it."""
        slot, at, value, _ = mark
        where = at[:2]
        index = event.addresses.get(("call", where), "")
        call_id, name = (event.addresses.get((part, where)) for part in ("call_id", "call_name"))
        call_id = call_id if isinstance(call_id, str) else ""
        own = self._call_without_index(choice, where[1], call_id, name) if index == "" else index
        addresses: tuple[Any, ...] | None = None
        if value or not slot.is_text:  # the lane takes what says nothing, so that changes nothing
            addresses = addresses_of(mark, event)
            if index != "":
                self._see_index(steps, choice, own, where[1], call_id, name, answer)
                if call_id and not name and (choice, own) in self._varied:
                    addresses = (*addresses[:3], ANY, None)
            else:
                self._loose[choice] = None
                if own == call_id and (choice, own) not in self._call_ids:
                    self._call_ids[choice, own] = call_id
                    self._begin(choice, own, where[1], answer)
                elif call_id and own != call_id:
                    addresses = None  # such an id need not come again
        if slot.is_text:
            steps.append(Feed((choice, slot.name, own), mark, addresses))

    def _call_of(self, event: Event, at: At, name: str) -> Any:
        """What the call goes by that an event names; None is the old function call."""
        if name == "function_begins":
            return None
        where = at[:2]
        index = event.addresses.get(("call", where), "")
        if index != "":
            return index
        call_id = event.addresses.get(("call_id", where))
        call_id = call_id if isinstance(call_id, str) else ""
        return self._call_without_index(_choice(event, at), where[1], call_id, name)

    def _see_index(
        self, steps: list[Step], choice: Any, own: Any, position: int, call_id: str, name: Any, answer: Answer
    ) -> None:
        """A call that has an index comes: it may be another one than before."""
        known = self._call_ids.get((choice, own))
        if (choice, own) not in self._begun or (call_id and name and call_id != known):
            self._begun[choice, own] = None
            self._begin(choice, own, position, answer)
        if call_id and known is None:
            self._call_ids[choice, own] = call_id
        elif call_id and call_id != known:
            if name:
                self._call_ids[choice, own] = call_id
                self._varied.pop((choice, own), None)
                steps.append(End(choice, CALL_TEXT.values(), (own,), closes=True))
                steps.append(Named((choice, own), "", begins=True))
            else:
                self._varied[choice, own] = None

    def _begin(self, choice: Any, own: Any, position: int, answer: Answer) -> None:
        """A call begins at a position: what comes there without an index and an id belongs to it."""
        self._call_at[choice, position] = own
        if choice in self._loose:
            answer.forget(choice)

    def _call_without_index(self, choice: Any, position: int, call_id: str, name: Any) -> Any:
        """What a call goes by that has no index."""
        seen = self._call_at.get((choice, position))
        if not call_id:
            return position if seen is None else seen
        if seen is not None and not name and (choice, call_id) not in self._call_ids:
            return seen
        return call_id


def _choice(event: Event, at: At) -> Any:
    """What the choice of a mark goes by."""
    index = event.addresses.get(("choice", at[:1]))
    return at[0] if index is None or index == "" else index
