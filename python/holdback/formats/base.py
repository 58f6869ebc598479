"""What a wire format is: shapes, as data, and the life cycle of its answers, as code.

A format object belongs to one stream. It turns the marks of an event into steps and remembers what later events will
need; it never feeds a channel and never changes an event, so it serves bytes, dicts and pydantic objects alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.json_text import loads, to_json_bytes
from holdback.engine.marks import Event, Mark, tools_at
from holdback.engine.objects import members
from holdback.engine.shapes import Shape, Shapes, Slot, once
from holdback.engine.steps import Named, Step
from holdback.policy import UNREAD, Channel

if TYPE_CHECKING:
    from holdback.engine.steps import Key


class Format:
    """One stream of one wire format."""

    __slots__ = ()

    NAMED_EVENTS: ClassVar[bool] = False
    """Whether an event says its ``type``, also in an ``event:`` line on the wire."""

    SHAPE: ClassVar[Shape]
    """Where text and what matters for its life stand in an event."""

    ANSWER: ClassVar[Shape]
    """Where text stands in a whole answer."""

    IS_ONE: ClassVar[bool] = False
    """Whether an answer has no choices, so that its groups follow each other in one text."""

    ENDS: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Which kinds of channels end, in the same group, when text of a kind comes. An answer has one of each at most."""

    @classmethod
    @cache
    def shapes(cls, unread: frozenset[Channel] = UNREAD) -> Shapes:
        """The compiled shape of an event, without the channels that are not read."""
        return Shapes(cls.SHAPE, unread)

    @classmethod
    @cache
    def answer_shapes(cls, unread: frozenset[Channel] = UNREAD) -> Shapes:
        """The compiled shape of a whole answer, likewise."""
        return Shapes(cls.ANSWER, unread)

    @staticmethod
    def recognises(event: Mapping[str, Any]) -> bool:
        """Whether an event says that its stream is of this format. At most one format says so."""
        raise NotImplementedError

    @staticmethod
    def recognises_answer(answer: Mapping[str, Any]) -> bool:
        """Whether a whole answer is of this format. At most one format says so."""
        raise NotImplementedError

    def tool_of(self, key: Key) -> Any:
        """What the tool goes by of which a channel has the arguments."""
        return key[0], key[2]

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        """What an event does to the answer, in order."""
        raise NotImplementedError

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        """An event that carries nothing but the tail of a channel."""
        raise NotImplementedError


ENVELOPE = ("id", "created", "model")
ENVELOPE_SLOTS: dict[str, tuple[Slot, ...]] = {name: (once(name),) for name in ENVELOPE}
"""What a synthetic chunk of OpenAI's older formats is dressed in."""
_NAMES = {name: f'"{name}":'.encode() for name in ENVELOPE}


class Enveloped(Format):
    """A format whose synthetic chunks carry the stream's own id, time and model, as first seen."""

    __slots__ = ("_envelope",)

    OBJECT: ClassVar[str]

    def __init__(self) -> None:
        # What was seen, as members of JSON, each with a comma behind it: objects would take twice the memory.
        self._envelope = b""

    def _remember(self, mark: Mark, event: Event, answer: Answer) -> None:
        """Remember a part of the envelope unless it was seen. What is no text and no number is left out."""
        slot, _, value, where = mark
        name = _NAMES[slot.name]
        if name in self._envelope:  # as a name: quotes in a literal are escaped
            return
        literal = event.raw(where) if isinstance(value, (str, int, float)) else b'""'
        if not isinstance(literal, bytes):
            literal = to_json_bytes(value)
        self._envelope += name + literal + b","
        answer.know(mark, addresses_of(mark, event))

    def _synthetic(self, choice: dict[str, Any]) -> dict[str, Any]:
        seen = loads(b"{" + self._envelope[:-1] + b"}") or {}
        chunk = {"id": seen.get("id"), "object": self.OBJECT}
        chunk |= {"created": seen.get("created"), "model": seen.get("model")}
        return {name: value for name, value in chunk.items() if value} | {"choices": [choice]}


def first_choice(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the first choice; empty if there is none."""
    choices = node.get("choices")
    return (members(choices[0]) if isinstance(choices, (list, tuple)) and choices else None) or {}


def type_of(node: Any) -> str | None:
    """The ``type`` of a node's members, be it a string or a member of an enum."""
    kind = node.get("type")
    kind = getattr(kind, "value", kind)
    return kind if isinstance(kind, str) else None


def begun(tool: Any, event: Event) -> list[Step]:
    """The name that an event gives to the tool of a call that begins."""
    return [
        Named(tool, said, is_provider=is_provider, begins=True)
        for said, is_provider in tools_at(event.addresses)
    ]
