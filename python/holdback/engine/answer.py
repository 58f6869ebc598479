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
from collections.abc import Iterable
from typing import Any, Protocol

from holdback import _backend
from holdback.engine.few import Few
from holdback.engine.groups import Channel, Group, Name, lone
from holdback.engine.guard import Account
from holdback.engine.guards import Guards
from holdback.engine.json_text import scalar_of
from holdback.engine.marks import Event, Mark, address_of
from holdback.engine.shapes import Kind, Slot
from holdback.engine.spots import Spot, write
from holdback.engine.steps import End, Feed, Finish, Key, Named, Step, Whole
from holdback.engine.wholes import Json, Wholes, json_of

_NUMBER = re.compile(r"\d+")
_LATEST = Kind.LATEST
"""A name of the module: it is asked of each mark, and a member of an enum is slow to find."""

MOST_CHANNELS = 10_000
"""Text of further channels passes unrestored."""


class Life(Protocol):
    """What a format says of an answer's life; ``formats.base.Format`` is what there is."""

    @property
    def ENDS(self) -> dict[str, tuple[str, ...]]:  # noqa: N802 - a constant of a format
        """Which kinds of channels end, in the same group, when text of a kind comes."""

    @property
    def IS_ONE(self) -> bool:  # noqa: N802 - likewise
        """Whether an answer has no choices, so that its groups follow each other in one text."""

    def tool_of(self, key: Key) -> Any:
        """What the tool goes by of which a channel has the arguments."""

    def steps(self, event: Event, answer: Answer) -> list[Step]:
        """What an event does to the answer, in order."""

    def tail(self, key: Key, tail: str, answer: Answer) -> dict[str, Any]:
        """An event that carries nothing but the tail of a channel."""


class Answer(Few[Any, Group]):
    """The groups of channels of one answer by their keys, and what is decided about its events."""

    __slots__ = (
        "_account",
        "_content",
        "_count",
        "_format",
        "_guards",
        "_has_placed",
        "_known",
        "_lane",
        "_latest",
        "_matcher",
    )

    def __init__(
        self,
        matcher: _backend.TrieMatcher,
        format_: Life,
        account: Account,
        *,
        content: Json = "auto",
    ) -> None:
        super().__init__()
        self._account = account
        self._guards = None if account.policy is None else Guards(account, account.policy, format_)
        self._matcher = matcher
        self._content = content
        self._format = format_
        self._count = 0  # of channels
        self._known: set[tuple[int, tuple[Any, ...]]] | None = None  # marks, once one is asked for
        self._latest: dict[str, tuple[Any, bool]] | None = None  # values, if no lane has them
        self._lane: Any = None
        self._has_placed = False  # a tail was put into the event in hand where no text of its channel stands

    def __bool__(self) -> bool:
        """An answer without groups is one all the same."""
        return True

    def use(self, lane: Any) -> None:
        """Let the native lane take the events that do nothing but feed open channels."""
        self._lane = lane

    def settle(self, event: Event) -> tuple[list[dict[str, Any]], bool]:
        """Take an event in, and make its changes; returns what leaves before it, and whether it leaves itself."""
        self._has_placed = False
        before: list[dict[str, Any]] = []
        spots: list[Spot] = []
        last: dict[Key, Spot] = {}
        wholes = None
        for step in self._format.steps(event, self):
            kind = type(step)
            if kind is Feed:
                self._feed(step, spots, last)  # type: ignore[arg-type]
            elif kind is Whole:
                wholes = wholes or Wholes(event, self._matcher, self._content, self._account)
                self._restore(step, wholes)  # type: ignore[arg-type]
            elif kind is Named:
                if self._guards is not None:
                    self._guards.named(step)  # type: ignore[arg-type]
            elif kind is End:
                self._end(event, step, before, last)  # type: ignore[arg-type]
            elif kind is Finish:
                self._finish(event, step, before, last)  # type: ignore[arg-type]
            else:
                groups = [*self]
                for group in sorted(groups, key=natural) if len(groups) > 1 else groups:
                    self._end(event, End(group), before, last)
        leaves = not spots or write(event, spots, has_placed=self._has_placed)
        self.note(event, leaves=leaves)
        return before, leaves

    def write(self, event: Event, fed: Iterable[tuple[str, bool]]) -> bool:
        """Make the changes of an event whose texts a lane has fed; returns whether it leaves.

        ``fed`` has for each text that is not empty what leaves, and whether its channel held something back.
        """
        texts, spots = iter(fed), []
        for mark in event.marks:
            if mark[0].is_text:
                leaves, holds = next(texts) if mark[2] else (mark[2], False)
                spots.append(Spot(mark, leaves, holds=holds))
        does_leave = write(event, spots, has_placed=False)
        if not does_leave:  # the lane has noted that it does
            self.note(event, leaves=False)
        return does_leave

    def drain(self) -> list[dict[str, Any]]:
        """End every channel for good; returns the events that carry what they held back."""
        tails = []
        for key, group in self.items():
            for name, channel in group.items():
                tail = self._account.tail(channel.buffer, channel.buffer.flush)
                self._account.take(channel.buffer, channel.guard)
                if tail:
                    tails.append((key, name, tail))
                if self._lane is not None:
                    self._lane.close(channel.number)
            group.clear()
            group.leave_all()
        if len(tails) > 1:
            tails.sort(key=lambda found: natural(found[:2]))
        self._count = 0
        if self._guards is not None:
            self._guards.clear()
        return [self._format.tail((key, *name), tail, self) for key, name, tail in tails]

    def count(self) -> None:
        """Bring the account up to date."""
        for group in self.values():
            for channel in group.values():
                self._account.take(channel.buffer, channel.guard)

    def _opened(self, step: Feed) -> Channel:
        """A new channel, with the guard of its text if there is a policy."""
        json = json_of(step.mark[0], self._content)
        if self._guards is None:
            return Channel(self._account.watch(self._matcher.stream(json=json)), None)
        guard = self._guards.opened(step, json)
        buffer = self._matcher._guarded(guard, json=json)
        return Channel(self._account.watch(buffer), guard)

    def _restore(self, step: Whole, wholes: Wholes) -> None:
        """Restore a whole value, with the decisions that the channels made which said it before."""
        guards, mark, counts = self._guards, step.mark, not step.repeats
        if guards is None:
            wholes.restore(mark, (), counts=counts)
            return
        choice, start, tool = guards.choice_of(mark[1]), guards.start(step), guards.tool(step)
        wholes.restore(mark, choice, start=start, tool=tool, counts=counts)

    def is_new(self, mark: Mark, addresses: tuple[Any, ...]) -> bool:
        """Whether such a mark comes for the first time. Then it says nothing more."""
        if self._known is None:
            self._known = set()
        entry = (mark[0].number, addresses)
        if entry in self._known:
            return False
        if len(self._known) < MOST_CHANNELS:
            self._known.add(entry)
            self.know(mark, addresses)
        return True

    def know(self, mark: Mark, addresses: tuple[Any, ...]) -> None:
        """Let the lane take such a mark: it says nothing more."""
        if self._lane is not None:
            self._lane.know(mark[0].number, addresses)

    def latest(self, slot: Slot) -> tuple[Any, bool] | None:
        """The last value of a slot, and whether its event left."""
        found: tuple[Any, bool] | None
        if self._lane is not None:
            found = self._lane.latest(slot.number)
        else:
            found = None if self._latest is None else self._latest.get(slot.name)
        if found is None or not isinstance(found[0], bytes):
            return found
        return scalar_of(found[0]), found[1]

    def note(self, event: Event, *, leaves: bool) -> None:
        """Remember the values of which the last one counts, and whether their event leaves: an event that could be left
        out leaves after all where its frame says more.
        """
        for slot, _, _, where in event.marks:
            if slot.kind is _LATEST:
                value = event.raw(where)
                if self._lane is not None:
                    self._lane.note(slot.number, value, leaves)
                elif self._latest is None:
                    self._latest = {slot.name: (value, leaves)}
                else:
                    self._latest[slot.name] = value, leaves

    def forget(self, key: Any) -> None:
        """Let the lane take no event for this group until it was seen anew."""
        group = self.get(key)
        if group is not None:
            for channel in group.leave_all():
                self._lane.forget(channel.number)

    def _feed(self, step: Feed, spots: list[Spot], last: dict[Key, Spot]) -> None:
        key, came = step.key, step.mark[2]
        leaves, holds = came, False
        if came and (channel := self._open(step)) is not None:
            leaves = channel.buffer.feed(came)
            holds = not leaves and bool(channel.buffer.pending)
        spot = last[key] = Spot(step.mark, leaves, holds=holds)
        spots.append(spot)

    def _open(self, step: Feed) -> Channel | None:
        """The channel of a text, which is made if there is none."""
        key, kind, own = step.key
        group = self._group(key)
        if group is None:
            return None
        if group.finish is not None:
            self._reopen(group, *group.finish)
        name = lone(kind) if own is None else (kind, own)
        channel = group.get(name)
        if channel is None:
            if self._count >= MOST_CHANNELS:
                return None
            self._count += 1
            channel = group[name] = self._opened(step)
            if self._lane is not None:
                self._enter(channel, kind, group)
        if self._lane is not None and step.addresses is not None:
            self._lane.register(channel.number, step.mark[0].number, step.addresses)
            group.reach(channel)
        return channel

    def _group(self, key: Any) -> Group | None:
        """The group of that key, which is made if there is none; None if there are too many."""
        group = self.get(key)
        if group is None and len(self) < MOST_CHANNELS:
            group = self[key] = Group()
        return group

    def _enter(self, channel: Channel, kind: str, channels: Group) -> None:
        """Make a channel known to the lane, and which others end when text of one comes."""
        lane, ends = self._lane, self._format.ENDS
        channel.number = lane.open(channel.buffer)
        if not ends or len(channels) == 1:
            return
        for other in ends.get(kind, ()):
            if (one := channels.get((other, None))) is not None:
                lane.link(channel.number, one.number)
        enders = [other for other, ended in ends.items() if kind in ended]
        if enders:
            for (other, _), one in channels.items():
                if other in enders:
                    lane.link(one.number, channel.number)

    def _reopen(self, group: Group, slot: Slot, addresses: tuple[Any, ...]) -> None:
        """Text came after a finish: it was none, and no later one of this group is."""
        group.finish, group.is_void = None, True
        if self._lane is not None:
            self._lane.know(slot.number, addresses)

    def _finish(
        self, event: Event, step: Finish, before: list[dict[str, Any]], last: dict[Key, Spot]
    ) -> None:
        slot, group = step.mark[0], self._group(step.group)
        if group is None:
            return
        if group.is_void:
            if self._lane is not None:
                self._lane.know(slot.number, step.addresses)
            return
        self._end(event, End(step.group, place=step.place), before, last)
        group.finish = slot, step.addresses
        self.forget(step.group)

    def _end(self, event: Event, step: End, before: list[dict[str, Any]], last: dict[Key, Spot]) -> None:
        group = self.get(step.group)
        if group is None:
            return
        for name, channel in _named(group, step):
            buffer = channel.buffer
            if step.closes:
                tail = self._account.tail(buffer, buffer.flush)
                self._close(step.group, group, name, channel)
            else:
                tail = self._account.tail(buffer, buffer._settle)
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

    def _close(self, key: Any, group: Group, name: Name, channel: Channel) -> None:
        group.pop(name)
        self._count -= 1
        self._account.take(channel.buffer, channel.guard)
        if self._guards is not None:
            self._guards.closed((key, *name), channel.guard)
        if self._lane is not None:
            self._lane.close(channel.number)
            group.leave(channel)
        if not (group or group.finish or group.is_void):
            self.pop(key)  # an endless stream may go on to ever new groups


def addresses_of(mark: Mark, event: Event) -> tuple[Any, ...]:
    """The addresses of a mark, one for each that its slot has."""
    return address_of(mark[0], mark[1], event.addresses)


def natural(key: Any) -> str:
    """Sorts keys of any kind, numbers by their value: in an order that does not depend on when they opened."""
    return _NUMBER.sub(lambda number: number[0].zfill(12), repr(key))


def _named(channels: Group, step: End) -> list[tuple[Name, Channel]]:
    """The channels that end, with their names."""
    kinds, owns = step.kinds, step.own
    if kinds is None or owns is None:
        found = [one for one in channels.items() if kinds is None or one[0][0] in kinds]
        holding = [name for name, channel in found if channel.buffer.pending]
        if len(holding) > 1:  # else there is no order
            found.sort(key=lambda one: natural(one[0]))
        return found
    found = []
    for kind in kinds:
        for own in owns:
            if (channel := channels.get((kind, own))) is not None:
                found.append(((kind, own), channel))
    return found
