"""Answer: what becomes of the events of one answer.

A format turns the marks of an event into *steps*; ``Answer.settle`` takes them in order. It alone owns the channels and
feeds them, and it alone decides what is withheld, which events do not leave, and where tails go.

A *channel* is one independent text of the answer, such as the content of a choice, the arguments of a call or a content
block. It goes by its group (the choice), its kind (the field) and what else tells it from others of that kind.

Invariants.

- Ending a channel sends its tail and keeps its state, so the end of a channel that holds nothing changes nothing. Only
  what may begin again as something else is closed.
- A tail leaves in the last place where text of its channel stands in the event that ends it, else where that event can
  take it in, else in an event of its own just before.
- A finish after which more text of the same group comes was none: from then on the finishes of that group end nothing.
- Every decision is made from the events before, and from nothing else; so it is the same however the stream is cut, and
  whether or not the native lane has taken some of the events.

Cost: O(marks of the event), and for ends O(channels that end).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

from holdback import _backend
from holdback.engine.marks import Event, Mark, address_of
from holdback.engine.shapes import Emptied, Kind, Slot

Key = tuple[Any, str, Any]
"""What a channel goes by: its group, its kind, and what else tells it from others."""

Json = bool | Literal["auto"]
"""Whether a text is JSON source; ``"auto"``: it tells by its beginning."""

MOST_CHANNELS = 10_000
"""Text of further channels passes unrestored."""

ANY: Any = ...
"""In the addresses of a channel: whatever the event says there."""


class Place(NamedTuple):
    """Where a tail can stand in an event: under these names in an object, or as one more element of an array."""

    where: Any
    names: tuple[str, ...] = ()
    element: Callable[[str], Any] | None = None


class Feed:
    """Text of a channel stands at a mark; if it is null or empty, only a tail could come there.

    ``addresses`` say which events the lane may take to be the same; None if this event is none to go by.
    """

    __slots__ = ("addresses", "key", "mark")

    def __init__(self, key: Key, mark: Mark, addresses: tuple[Any, ...] | None) -> None:
        self.key = key
        self.mark = mark
        self.addresses = addresses


class Whole:
    """A whole value stands at a mark, which is part of no channel: a string, JSON source or a JSON value."""

    __slots__ = ("mark",)

    def __init__(self, mark: Mark) -> None:
        self.mark = mark


class End:
    """Channels of a group end: those of some kinds, and of those the ones that ``own`` names, or all.

    ``place`` says where in the event a tail can stand. ``closes`` says that what comes next is something else.
    """

    __slots__ = ("closes", "group", "kinds", "own", "place")

    def __init__(
        self,
        group: Any,
        kinds: Iterable[str] | None = None,
        own: Iterable[Any] | None = None,
        *,
        place: Callable[[Key], Place | None] | None = None,
        closes: bool = False,
    ) -> None:
        self.group = group
        self.kinds = kinds
        self.own = own
        self.place = place
        self.closes = closes


class Finish:
    """A mark says that a group is complete."""

    __slots__ = ("addresses", "group", "mark", "place")

    def __init__(
        self,
        group: Any,
        mark: Mark,
        addresses: tuple[Any, ...],
        place: Callable[[Key], Place | None] | None = None,
    ) -> None:
        self.group = group
        self.mark = mark
        self.addresses = addresses
        self.place = place


class Drain:
    """Every channel ends."""

    __slots__ = ()


Step = Feed | Whole | End | Finish | Drain


class Life(Protocol):
    """What a format says of an answer's life; ``formats.base.Format`` is what there is."""

    @property
    def ENDS(self) -> dict[str, tuple[str, ...]]:  # noqa: N802 - a constant of a format
        """Which kinds of channels end, in the same group, when text of a kind comes."""

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        """What an event does to the answer, in order."""

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        """An event that carries nothing but the tail of a channel."""


class _Channel:
    __slots__ = ("buffer", "number")

    def __init__(self, buffer: _backend.StreamBuffer) -> None:
        self.buffer = buffer
        self.number = -1  # in the lane


class _Spot:
    """Where text of a channel stands in the event that is being settled."""

    __slots__ = ("holds", "leaves", "mark")

    def __init__(self, mark: Mark, leaves: str | None, *, holds: bool) -> None:
        self.mark = mark
        self.leaves = leaves
        self.holds = holds  # the channel held something back when this text was fed

    @property
    def is_withheld(self) -> bool:
        return self.holds and not self.leaves


class Answer:
    """The channels of one answer, and what is decided about its events."""

    __slots__ = (
        "_content",
        "_count",
        "_finished",
        "_format",
        "_groups",
        "_has_placed",
        "_known",
        "_lane",
        "_latest",
        "_matcher",
        "_reached",
        "_void",
    )

    def __init__(self, matcher: _backend.TrieMatcher, format_: Life, *, content: Json = "auto") -> None:
        self._matcher = matcher
        self._content = content
        self._format = format_
        self._groups: dict[Any, dict[tuple[str, Any], _Channel]] = {}
        self._count = 0
        self._finished: dict[Any, tuple[Slot, tuple[Any, ...]]] = {}
        self._void: set[Any] = set()  # the groups whose finishes end nothing
        self._known: set[tuple[int, tuple[Any, ...]]] = set()
        self._latest: dict[str, tuple[Any, bool]] = {}
        self._lane: Any = None
        self._reached: dict[
            Any, set[int]
        ] = {}  # by group, the numbers of the channels that the lane may feed
        self._has_placed = False  # a tail was put into the event in hand where no text of its channel stands

    def use(self, lane: Any) -> None:
        """Let the native lane take the events that do nothing but feed open channels."""
        self._lane = lane

    def settle(self, event: Event) -> tuple[list[dict[str, Any]], bool]:
        """Take an event in, and make its changes; returns what leaves before it, and whether it leaves itself."""
        self._has_placed = False
        before: list[dict[str, Any]] = []
        spots: list[_Spot] = []
        last: dict[Key, _Spot] = {}
        for step in self._format.steps(event, self):
            kind = type(step)
            if kind is Feed:
                self._feed(step, spots, last)  # type: ignore[arg-type]
            elif kind is Whole:
                restore_whole(event, step.mark, self._matcher, self._content)  # type: ignore[union-attr]
            elif kind is End:
                self._end(event, step, before, last)  # type: ignore[arg-type]
            elif kind is Finish:
                self._finish(event, step, before, last)  # type: ignore[arg-type]
            else:
                for group in sorted(self._groups, key=natural):
                    self._end(event, End(group), before, last)
        leaves = self._write(event, spots)
        self.note(event, leaves=leaves)
        return before, leaves

    def write(self, event: Event, fed: Iterable[tuple[str, bool]]) -> bool:
        """Make the changes of an event whose texts a lane has fed; returns whether it leaves.

        ``fed`` has for each text that is not empty what leaves, and whether its channel held something back.
        """
        self._has_placed = False
        texts, spots = iter(fed), []
        for mark in event.marks:
            if mark[0].kind is Kind.TEXT or mark[0].kind is Kind.SOURCE:
                leaves, holds = next(texts) if mark[2] else (mark[2], False)
                spots.append(_Spot(mark, leaves, holds=holds))
        does_leave = self._write(event, spots)
        self.note(event, leaves=does_leave)
        return does_leave

    def drain(self) -> list[dict[str, Any]]:
        """End every channel for good; returns the events that carry what they held back."""
        tails = []
        for group, name in sorted(
            ((group, name) for group, channels in self._groups.items() for name in channels), key=natural
        ):
            if tail := self._groups[group][name].buffer.flush():
                tails.append(self._format.tail((group, *name), tail, self))
        self._groups.clear()
        self._count = 0
        return tails

    def is_new(self, mark: Mark, addresses: tuple[Any, ...]) -> bool:
        """Whether such a mark comes for the first time. The lane is told that it says nothing more."""
        entry = (mark[0].number, addresses)
        if entry in self._known:
            return False
        if len(self._known) < MOST_CHANNELS:
            self._known.add(entry)
            if self._lane is not None:
                self._lane.know(*entry)
        return True

    def latest(self, slot: Slot) -> tuple[Any, bool] | None:
        """The last value of a slot, as it came, and whether its event left."""
        if self._lane is not None:
            found: tuple[Any, bool] | None = self._lane.latest(slot.number)
            return found
        return self._latest.get(slot.name)

    def note(self, event: Event, *, leaves: bool) -> None:
        """Remember the values of which the last one counts, and whether their event leaves: an event that could be left
        out leaves after all where its frame says more.
        """
        for slot, _, _, where in event.marks:
            if slot.kind is Kind.LATEST:
                value = event.raw(where)
                self._latest[slot.name] = (value, leaves)
                if self._lane is not None:
                    self._lane.note(slot.number, value, leaves)

    def forget(self, group: Any) -> None:
        """Let the lane take no event for this group until it was seen anew."""
        for number in self._reached.pop(group, ()):
            self._lane.forget(number)

    def _feed(self, step: Feed, spots: list[_Spot], last: dict[Key, _Spot]) -> None:
        key, came = step.key, step.mark[2]
        leaves, holds = came, False
        if came and (channel := self._open(step)) is not None:
            leaves = channel.buffer.feed(came)
            holds = not leaves and bool(channel.buffer.pending)
        spot = last[key] = _Spot(step.mark, leaves, holds=holds)
        spots.append(spot)

    def _open(self, step: Feed) -> _Channel | None:
        """The channel of a text, which is made if there is none."""
        group, kind, own = step.key
        if group in self._finished:
            self._reopen(group)
        channels = self._groups.get(group)
        if channels is None:
            channels = self._groups[group] = {}
        channel = channels.get((kind, own))
        if channel is None:
            if self._count >= MOST_CHANNELS:
                return None
            self._count += 1
            channel = channels[kind, own] = _Channel(
                self._matcher.stream(json=_json_of(step.mark[0], self._content))
            )
            if self._lane is not None:
                self._enter(channel, kind, channels)
        if self._lane is not None and step.addresses is not None:
            self._lane.register(channel.number, step.mark[0].number, step.addresses)
            self._reached.setdefault(group, set()).add(channel.number)
        return channel

    def _enter(self, channel: _Channel, kind: str, channels: dict[tuple[str, Any], _Channel]) -> None:
        """Make a channel known to the lane, and which others end when text of one comes."""
        lane, ends = self._lane, self._format.ENDS
        channel.number = lane.open(channel.buffer)
        for other in ends.get(kind, ()):
            if (one := channels.get((other, None))) is not None:
                lane.link(channel.number, one.number)
        enders = [other for other, ended in ends.items() if kind in ended]
        if enders:
            for (other, _), one in channels.items():
                if other in enders:
                    lane.link(one.number, channel.number)

    def _reopen(self, group: Any) -> None:
        """Text came after a finish: it was none, and no later one of this group is."""
        entry = self._finished.pop(group)
        self._void.add(group)
        if self._lane is not None:
            self._lane.know(entry[0].number, entry[1])

    def _finish(
        self, event: Event, step: Finish, before: list[dict[str, Any]], last: dict[Key, _Spot]
    ) -> None:
        slot, group = step.mark[0], step.group
        if group in self._void:
            if self._lane is not None:
                self._lane.know(slot.number, step.addresses)
            return
        self._end(event, End(group, place=step.place), before, last)
        self._finished[group] = (slot, step.addresses)
        self.forget(group)

    def _end(self, event: Event, step: End, before: list[dict[str, Any]], last: dict[Key, _Spot]) -> None:
        channels = self._groups.get(step.group)
        if not channels:
            return
        for name in _named(channels, step):
            channel = channels[name]
            if step.closes:
                tail = channel.buffer.flush()
                self._close(step.group, name)
            else:
                tail = channel.buffer._settle()
            if not tail:
                continue
            key = (step.group, *name)
            spot = last.get(key)
            place = None if spot is not None or step.place is None else step.place(key)
            if spot is not None:
                spot.leaves = (spot.leaves or "") + tail
            elif place is None:
                before.append(self._format.tail(key, tail, self))
            elif place.element is not None:
                event.append(place.where, place.element(tail))
                self._has_placed = True
            else:
                event.insert(place.where, place.names, tail)
                self._has_placed = True

    def _close(self, group: Any, name: tuple[str, Any]) -> None:
        channels = self._groups[group]
        channel = channels.pop(name)
        self._count -= 1
        if self._lane is not None:
            self._lane.close(channel.number)
            reached = self._reached.get(group, set())
            reached.discard(channel.number)
            if not reached:
                self._reached.pop(group, None)
        if not channels:  # an endless stream may go on to ever new groups
            del self._groups[group]

    def _write(self, event: Event, spots: list[_Spot]) -> bool:
        """Make the changes of an event; returns whether it leaves."""
        changed = [spot for spot in spots if spot.leaves != spot.mark[2]]
        if not changed:
            return True
        withheld = [spot for spot in changed if spot.is_withheld]
        if withheld and any(spot.mark[0].emptied is not Emptied.TEXT for spot in withheld):
            kept = [mark for mark in event.marks if mark[0].kind is Kind.KEEPS]
            if not kept and not self._has_placed and not any(spot.leaves for spot in spots):
                for spot in changed:  # where it cannot be left out, it leaves with these changes
                    self._set(event, spot, kept, spots)
                return False
        else:
            kept = []
        for spot in changed:
            self._set(event, spot, kept, spots)
        return True

    def _set(self, event: Event, spot: _Spot, kept: list[Mark], spots: list[_Spot]) -> None:
        slot, at, _, where = spot.mark
        if slot.emptied is Emptied.ELEMENT and spot.is_withheld:
            depth = len(at)
            is_kept = any(mark[1][:depth] == at for mark in kept) or any(
                other.leaves and other.mark[1][:depth] == at for other in spots
            )
            if not is_kept and (element := _element(event, at)) is not None:
                event.take_out(element, at)
                return
        event.set(where, spot.leaves or "")


def restore_whole(event: Event, mark: Mark, matcher: _backend.TrieMatcher, content: Json) -> None:
    """Restore the complete value at a mark; ``content`` says whether content is JSON source."""
    slot, _, value, where = mark
    if slot.kind is Kind.DOCUMENT:
        event.document(where, partial(matcher.replace, json=True))
        return
    restored = matcher.replace(value, json=_json_of(slot, content))
    if restored != value:
        event.set(where, restored)


def restore_wholes(event: Event, matcher: _backend.TrieMatcher, content: Json) -> None:
    """Restore an event that is nothing but complete values, as a whole answer is."""
    for mark in event.marks:
        restore_whole(event, mark, matcher, content)


def _json_of(slot: Slot, content: Json) -> Json:
    """Whether the text of a slot is JSON source."""
    return content if slot.content else slot.kind is Kind.SOURCE or slot.kind is Kind.WHOLE_SOURCE


def addresses_of(mark: Mark, event: Event) -> tuple[Any, ...]:
    """The addresses of a mark, one for each that its slot has."""
    return address_of(mark[0], mark[1], event.addresses)


def natural(key: Any) -> str:
    """Sorts keys of any kind, numbers by their value: in an order that does not depend on when they opened."""
    return re.sub(r"\d+", lambda number: number[0].zfill(12), repr(key))


def _named(channels: dict[tuple[str, Any], _Channel], step: End) -> list[tuple[str, Any]]:
    """The names of the channels that end."""
    if step.kinds is None:
        return sorted(channels, key=natural)
    if step.own is None:
        return sorted((name for name in channels if name[0] in step.kinds), key=natural)
    return [(kind, own) for kind in step.kinds for own in step.own if (kind, own) in channels]


def _element(event: Event, at: tuple[int, ...]) -> Any:
    """Where the element of an array stands that has these positions."""
    for slot, own, _, where in event.marks:
        if slot.kind is Kind.PLACE and slot.name == "element" and own == at:
            return where
    return None
