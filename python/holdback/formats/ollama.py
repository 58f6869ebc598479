"""Ollama: one JSON object per line, for chat and for generate, and one answer per stream.

Its texts are plain fields, each a channel; arguments of tools come as finished objects. The line with ``done`` ends
everything: a tail goes into that line's own field. Thinking ends already where the answer or a tool call begins, on
that line. An error is a line with nothing but ``error``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.objects import members
from holdback.engine.shapes import CONTENT, JSON, THOUGHT, TOOL, Kind, event, once, place, text
from holdback.engine.steps import Drain, End, Feed, Finish, Key, Place, Step, Whole
from holdback.formats.base import Format

FIELDS = {
    "message.content": ("message", "content"),
    "message.thinking": ("message", "thinking"),
    "response": ("response",),
    "thinking": ("thinking",),
}
"""The channels, and where their text stands."""

THINKING = ("message.thinking", "thinking")
SAYING = ("message.content", "response")


class Ollama(Format):
    """One stream of lines. The key of a channel is ``(0, one of FIELDS, None)``."""

    __slots__ = ("_seen",)

    SHAPE = (
        place("line"),
        {
            "model": once("model"),
            "created_at": once("created_at"),
            "message": (
                place("message"),
                {
                    "thinking": text("message.thinking", channel="reasoning"),
                    "content": text("message.content", content=True),
                    "tool_calls": (event("calls"), [{"function": {"name": TOOL, "arguments": JSON}}]),
                },
            ),
            "response": text("response", content=True),
            "thinking": text("thinking", channel="reasoning"),
            "done": event("done"),
            "error": event("error"),
        },
    )
    ANSWER = {
        "message": {
            "tool_calls": [{"function": {"name": TOOL, "arguments": JSON}}],
            "content": CONTENT,
            "thinking": THOUGHT,
        },
        "response": CONTENT,
        "thinking": THOUGHT,
    }
    ENDS = dict.fromkeys(SAYING, THINKING)

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}  # the model and the time, as first said

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        says = members(event.get("message")) is not None or isinstance(event.get("response"), str)
        return says and isinstance(event.get("done"), bool) and "model" in event

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        return Ollama.recognises(answer)

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        thinking: list[Step] = []
        saying: list[Step] = []
        last: list[Step] = []
        ends_thinking = False
        is_error = False
        for mark in event.marks:
            slot, _, value, _ = mark
            name = slot.name
            if slot.is_text:
                (thinking if name in THINKING else saying).append(Feed((0, name, None), mark, ()))
                ends_thinking |= bool(value) and name in SAYING
            elif slot.is_whole:
                saying.append(Whole(mark))
            elif slot.kind is Kind.ONCE:
                if answer.is_new(mark, ()):
                    self._seen.setdefault(name, value)
            elif name == "calls":
                ends_thinking = True
            elif name == "done":
                last = last or [Finish(0, mark, addresses_of(mark, event), _Places(event))]
            elif name == "error":
                is_error = True
        if ends_thinking:
            thinking.append(End(0, THINKING, (None,), place=_Places(event)))
        steps = thinking + saying
        return [Drain(), *steps, Drain()] if is_error else steps + last

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        path = FIELDS[key[1]]
        said: dict[str, Any] = {"response": "", path[-1]: tail}
        if len(path) > 1:
            said = {"message": {"role": "assistant", "content": "", path[-1]: tail}}
        return {**self._seen, **said, "done": False}


class _Places:
    """Where on a line a tail can stand: in its own field."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    def __call__(self, key: Key) -> Place | None:
        spots = {mark[0].name: mark[3] for mark in self._event.marks if mark[0].kind is Kind.PLACE}
        path = FIELDS[key[1]]
        line: Any = members(self._event.value(spots["line"])) or {}
        if len(path) == 1:
            return Place(spots["line"], path) if line.get(path[0]) is None else None
        message = line.get("message")
        if message is None:
            return Place(spots["message"], path[1:]) if "message" in spots else Place(spots["line"], path)
        if members(message) is None or (members(message) or {}).get(path[1]) is not None:
            return None
        return Place(spots["message"], path[1:])
