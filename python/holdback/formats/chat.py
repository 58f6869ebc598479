"""Chat completions: ``chat.completion.chunk``, as OpenAI defined it and many providers bend it.

Channels, each of its own: content, refusal, every name of reasoning and the audio transcript per choice; the
arguments of each tool call and of the old function call, which are JSON source; the input of custom calls. Content
is a string or a list of parts; either way it is one channel. A choice without an index goes by its position.

When they end: all of a choice's with its finish; its reasoning also where its content or a tool call begins; a call
also where another id *and* a name come under its index. The tail then leaves in the field's own place on that
chunk, else in a synthetic chunk just before it.

What a call goes by stands in ``chat_calls``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import At, Event
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
from holdback.engine.steps import Drain, End, Feed, Finish, Key, Named, Step, Whole
from holdback.formats.base import ENVELOPE, ENVELOPE_SLOTS, Enveloped, first_choice
from holdback.formats.chat_calls import Calls, choice_of
from holdback.formats.chat_places import CALL_TEXT, REASONING, Places

# What ends where an answer begins.
THINKING = (*REASONING, "thinking", "reasoning_summary")
# Types of a content part whose `text` is text; no type will do as well.
TEXT_PARTS = ("", "text", "output_text")

DROPPED = Emptied.EVENT
_ONCE, _DOCUMENT = Kind.ONCE, Kind.DOCUMENT  # asked of each mark
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

    __slots__ = ("_known_calls",)

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
        self._known_calls: Calls | None = None  # once one comes

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
            if name in ENVELOPE:
                self._remember(mark, event, answer)
            elif slot.is_text:
                choice = choice_of(event, at)
                if slot.addresses == CALL:
                    self._calls().steps(saying, mark, choice, event, answer)
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
                if slot.kind is _DOCUMENT:
                    ending[choice_of(event, at)] = at
            elif slot.kind is _ONCE:
                if answer.is_new(mark, addresses_of(mark, event)):
                    choice = choice_of(event, at)
                    if name == "call_begins":
                        self._calls().steps(saying, mark, choice, event, answer)
                    ending[choice] = at
                if isinstance(value, str):  # behind what ends another call
                    call = self._calls().call_of(event, at, name)
                    saying.append(Named((choice_of(event, at), call), value))
            elif name == "finish":
                choice = choice_of(event, at)
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

    def _calls(self) -> Calls:
        """The calls of the stream, of which most have none."""
        if self._known_calls is None:
            self._known_calls = Calls()
        return self._known_calls
