"""Formats whose every event says its type, and whose texts each have ids of their own: one life cycle, given as data.

A channel is one kind of text with the ids that its events carry. ``CLOSES`` says which events end which kinds, those
with the event's own ids; ``DRAINS`` which events end all. A kind of text that has ended may begin again with the same
ids as something else, so an end closes. A tail leaves in an event of its own, just before the one that ends it; no
event is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.shapes import Slot, address, event, source, text
from holdback.engine.steps import Drain, End, Feed, Key, Step, Whole
from holdback.formats.base import Format, is_text, is_whole

KIND = {"type": event("kind")}
"""In the shape of an event that ends something."""


class Channel(NamedTuple):
    """One kind of text: the ids that tell one channel from another."""

    ids: tuple[str, ...] = ()
    json: bool = False

    def slot(self, name: str) -> Slot:
        """Text of this kind in a shape, beside which ``addresses`` stand."""
        channel = "reasoning" if name.lower().startswith(("reasoning", "thinking")) else "content"
        return source(name, *self.ids) if self.json else text(name, *self.ids, channel=channel)

    @property
    def addresses(self) -> dict[str, Slot]:
        """The ids in the shape of an event."""
        return {name: address(name) for name in self.ids}


class Typed(Format):
    """One stream of events that say their type. The key of a channel is ``(ids of the group, kind, other ids)``."""

    __slots__ = ()

    NAMED_EVENTS = True

    CHANNELS: ClassVar[Mapping[str, Channel]]
    """The kinds of text by name."""

    GROUP: ClassVar[int] = 0
    """How many of the ids, from the first on, a group of channels has in common."""

    CLOSES: ClassVar[Mapping[str, tuple[str, ...]]]
    """Which kinds an event ends, by its type."""

    DRAINS: ClassVar[frozenset[str]]
    """The types of events that end everything."""

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        ends: list[Step] = []
        steps: list[Step] = []
        for mark in event.marks:
            slot, _, value, _ = mark
            if is_text(slot):
                addresses = addresses_of(mark, event)
                key = self.key(slot.name, addresses)
                steps.append(Feed(key, mark, addresses))
            elif is_whole(slot):
                steps.append(Whole(mark))
            elif slot.name == "kind":
                ends += self.ends(value, event)
            elif slot.name == "error":
                ends.append(Drain())
        return ends + steps

    def key(self, kind: str, ids: tuple[Any, ...]) -> Key:
        """What a channel goes by."""
        return ids[: self.GROUP], kind, ids[self.GROUP :]

    def ends(self, kind: Any, event: Event) -> list[Step]:
        """What ends with an event of that type."""
        if not isinstance(kind, str):
            return []
        if kind in self.DRAINS:
            return [Drain()]
        steps: list[Step] = []
        for name in self.CLOSES.get(kind, ()):
            group, _, own = self.key(name, self.ids(name, event))
            steps.append(End(group, (name,), (own,), closes=True))
        return steps

    def ids(self, kind: str, event: Event) -> tuple[Any, ...]:
        """The ids that an event says of a kind of text, None for one that it does not say."""
        values = (event.addresses.get((name, ())) for name in self.CHANNELS[kind].ids)
        return tuple(None if value == "" else value for value in values)

    def ids_of(self, key: Key) -> dict[str, Any]:
        """The ids of a channel, as its own events say them."""
        values = zip(self.CHANNELS[key[1]].ids, (*key[0], *key[2]), strict=True)
        return {name: value for name, value in values if value is not None}
