"""Where on a chunk of a chat completion the tail of a channel can stand."""

from __future__ import annotations

from typing import Any

from holdback.engine.marks import At, Event
from holdback.engine.objects import members
from holdback.engine.shapes import Kind
from holdback.engine.steps import Key, Place

REASONING = ("reasoning_content", "reasoning", "reasoning_text")
PLAIN = (*REASONING, "refusal")  # a delta's fields that are simply text
CALL_TEXT = {"function": "arguments", "custom": "input"}


class Places:
    """Where on a chunk the tail of a channel of a choice can stand if no text of the channel came with it."""

    __slots__ = ("_at", "_event")

    def __init__(self, event: Event, at: At) -> None:
        self._event = event
        self._at = at[:1]

    def __call__(self, key: Key) -> Place | None:
        _, field, own = key
        if field in CALL_TEXT.values():
            return self._in_call(field, own)
        if field not in PLAIN and field not in {"content", "audio"}:
            return None
        spots = self._spots(self._at)
        names = ("audio", "transcript") if field == "audio" else (field,)
        delta = (members(self._event.value(spots["choice"])) or {}).get("delta")
        if delta is None:
            return (
                Place(spots["delta"], names)
                if "delta" in spots
                else Place(spots["choice"], ("delta", *names))
            )
        if (named := members(delta)) is None:
            return None
        value = named.get(field)
        if isinstance(value, (list, tuple)) and field == "content":
            return Place(spots["parts"], element=_text_part)
        if field == "audio" and "audio" in spots:
            return Place(spots["audio"], names[1:])
        return Place(spots["delta"], names) if value is None else None

    def _in_call(self, field: str, own: Any) -> Place | None:
        """The place for a call's text in the last element of the chunk that has the call's index."""
        kind = next(kind for kind, text in CALL_TEXT.items() if text == field)
        for slot, at, _, _ in reversed(self._event.marks):
            if slot.name == "call" and at[:1] == self._at and self._event.addresses.get(("call", at)) == own:
                spots = self._spots(at)
                call = members(self._event.value(spots["call"])) or {}
                inner = call.get(kind)
                if inner is None and kind == "function" and call.get("custom") is None:
                    return (
                        Place(spots[kind], (field,)) if kind in spots else Place(spots["call"], (kind, field))
                    )
                named = members(inner)
                if named is not None and named.get(field) is None:
                    return Place(spots[kind], (field,))
        return None

    def _spots(self, at: At) -> dict[str, Any]:
        """Where the places with these positions stand."""
        return {
            mark[0].name: mark[3]
            for mark in self._event.marks
            if mark[0].kind is Kind.PLACE and mark[1] == at
        }


def _text_part(tail: str) -> dict[str, Any]:
    return {"type": "text", "text": tail}
