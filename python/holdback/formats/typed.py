"""Formats whose every event says its type, and whose texts each have ids of their own: one life cycle, given as data.

A channel is one kind of text with the ids that its events carry. ``CLOSES`` says which events end which kinds, those
with the event's own ids; ``DRAINS`` which events end all. One that ends the arguments of a call may name the tool of
the call that begins; where any other event names it, that is ``NAME``. A kind of text that has ended may begin again
with the same ids as something else, so an end closes. A tail leaves in an event of its own, just before the one that
ends it; no event is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import Event
from holdback.engine.shapes import Slot, address, event, source, text
from holdback.engine.steps import Drain, End, Feed, Key, Named, Step, Whole
from holdback.formats.base import Format, begun

KIND = {"type": event("kind")}
"""In the shape of an event that ends something."""

NAME = event("name")
"""The name of a call's tool, or a piece of it, in an event that ends nothing."""

MOST_FED = 10_000
"""Of so many channels it is remembered whether they had text."""


class Channel(NamedTuple):
    """One kind of text: the ids that tell one channel from another."""

    ids: tuple[str, ...] = ()
    json: bool = False
    content: bool = False
    """Whether it is what the model says to the user, which may be a JSON document."""

    def slot(self, name: str) -> Slot:
        """Text of this kind in a shape, beside which ``addresses`` stand."""
        channel = "reasoning" if name.lower().startswith(("reasoning", "thinking")) else "content"
        return (
            source(name, *self.ids)
            if self.json
            else text(name, *self.ids, channel=channel, content=self.content)
        )

    @property
    def addresses(self) -> dict[str, Slot]:
        """The ids in the shape of an event."""
        return {name: address(name) for name in self.ids}


class Typed(Format):
    """One stream of events that say their type. The key of a channel is ``(ids of the group, kind, other ids)``."""

    __slots__ = ("_fed",)

    NAMED_EVENTS = True
    IS_ONE = True

    CHANNELS: ClassVar[Mapping[str, Channel]]
    """The kinds of text by name."""

    GROUP: ClassVar[int] = 0
    """How many of the ids, from the first on, a group of channels has in common."""

    CLOSES: ClassVar[Mapping[str, tuple[str, ...]]]
    """Which kinds an event ends, by its type."""

    BEGINS: ClassVar[frozenset[str]] = frozenset()
    """Of these, the types of events that begin a call, and may name its tool."""

    DRAINS: ClassVar[frozenset[str]]
    """The types of events that end everything."""

    def __init__(self) -> None:
        self._fed: dict[Key, None] = {}  # the channels that had text since they were closed

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        ends: list[Step] = []
        steps: list[Step] = []
        wholes: list[Whole] = []
        for mark in event.marks:
            slot, _, value, _ = mark
            if slot.is_text:
                addresses = addresses_of(mark, event)
                key = self.key(slot.name, addresses)
                steps.append(Feed(key, mark, addresses))
                if value and len(self._fed) < MOST_FED:
                    self._fed[key] = None
            elif slot.is_whole:
                wholes.append(Whole(mark))
            elif slot.name == "kind":
                ends += self.ends(value, event)
            elif slot.name == "name":
                ends += self.named(value, event)
            elif slot.name == "error":
                ends.append(Drain())
        self._repeat(wholes, ends)
        # A call is over where its arguments are; what repeats them must know its tool.
        return [*wholes, *ends, *steps]

    def _repeat(self, wholes: list[Whole], ends: list[Step]) -> None:
        """Tell whole values which channels said them before: those that end with them."""
        begins = []
        is_fed = False
        for end in ends:
            if type(end) is End:
                begins.append((end.group, end.kinds, end.own))
                for kind in end.kinds or ():
                    for own in end.own or ():
                        if (key := (end.group, kind, own)) in self._fed:
                            del self._fed[key]
                            is_fed = True
        if begins:
            for whole in wholes:
                whole.begins = begins
                whole.repeats = is_fed

    def named(self, name: Any, event: Event) -> list[Step]:
        """A call's tool is named beside its ids."""
        if not isinstance(name, str):
            return []
        return [Named(self.tool_of(self.key(kind, self.ids(kind, event))), name) for kind in self.arguments()]

    @classmethod
    def arguments(cls) -> list[str]:
        """The kinds of text that are arguments of calls, of which each call has one."""
        return [kind for kind, one in cls.CHANNELS.items() if one.json]

    def tool_of(self, key: Key) -> Any:
        group, kind, own = key
        channel = self.CHANNELS.get(kind)
        return (group, own) if channel is None or channel.json else key

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
            if kind in self.BEGINS and self.CHANNELS[name].json:
                steps += begun(self.tool_of((group, name, own)), event)
        return steps

    def ids(self, kind: str, event: Event) -> tuple[Any, ...]:
        """The ids that an event says of a kind of text, None for one that it does not say."""
        addresses = event.addresses
        values = [addresses.get((name, ())) for name in self.CHANNELS[kind].ids]
        return tuple([None if value == "" else value for value in values])

    def ids_of(self, key: Key) -> dict[str, Any]:
        """The ids of a channel, as its own events say them."""
        values = zip(self.CHANNELS[key[1]].ids, (*key[0], *key[2]), strict=True)
        return {name: value for name, value in values if value is not None}
