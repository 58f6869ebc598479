"""The lane for events that were read: takes those that feed open channels and do nothing else, without a format.

Most events of a stream are text of a channel that is open. The format would make steps of such an event that feed these
channels, and no others. Here the marks are judged by what ``Answer`` says of the channels; where an event does anything
else (a channel opens or ends, something is named for the first time, a whole value comes) the lane declines, nothing of
the event was fed, and ``Answer.settle`` takes it. No event is read for this: the marks are those that ``settle`` gets.

This is the specification of the native lane's judgement (``rust/core/src/wire/judge.rs``), and takes its place where
the extension does not run.

Invariant: with and without the lane the same events leave. Cost: O(marks).
"""

from __future__ import annotations

from typing import Any

from holdback import _backend
from holdback.engine.marks import Event, address_of
from holdback.engine.open_channels import Channel, Fed, OpenChannels, fed_with
from holdback.engine.shapes import Kind

_KEEPS, _PLACE, _TEXT, _SOURCE = Kind.KEEPS, Kind.PLACE, Kind.TEXT, Kind.SOURCE
_EVENT, _ONCE, _LATEST, _DOCUMENT = Kind.EVENT, Kind.ONCE, Kind.LATEST, Kind.DOCUMENT


class MarksLane(OpenChannels):
    """What is known of a stream's channels, and the events that feed them."""

    __slots__ = ("_known_slots", "_open_at", "version")

    def __init__(self) -> None:
        super().__init__()
        self._known_slots: set[int] = set()  # those without addresses whose marks say nothing any more
        self._open_at: dict[int, set[int]] = {}  # by slot, which of its addresses were left open
        # As long as it is the same, the same text leads to the same channels and ends the same.
        self.version = 0

    def register(self, channel: int, slot: int, addresses: tuple[Any, ...]) -> None:
        """The same. An address may be left open (``ANY``): then it may say anything."""
        if self._registered.get((slot, addresses)) == channel:
            return
        super().register(channel, slot, addresses)
        self.version += 1
        if ... in addresses:
            self._open_at.setdefault(slot, set()).add(addresses.index(...))

    def link(self, channel: int, ended: int) -> None:
        super().link(channel, ended)
        self.version += 1

    def forget(self, channel: int) -> None:
        super().forget(channel)
        self.version += 1

    def know(self, slot: int, addresses: tuple[Any, ...]) -> None:
        super().know(slot, addresses)
        if not addresses:
            self._known_slots.add(slot)

    def feed(self, event: Event) -> Fed | None:
        """Feed the texts of an event if that is all that it does; else None, and nothing was fed.

        Returns what ``Answer.write`` takes, in the order of the event; an empty list if all leave as they came.
        """
        texts: list[tuple[_backend.StreamBuffer, str]] = []
        enders: list[Channel] = []
        latest: list[tuple[int, Any]] = []
        addresses = event.addresses
        for slot, at, value, where in event.marks:
            kind = slot.kind
            if kind is _KEEPS or kind is _PLACE:
                continue
            if kind is _LATEST:
                latest.append((slot.number, where))
            elif kind is _TEXT or kind is _SOURCE:
                if value:
                    channel = self.channel(slot.number, address_of(slot, at, addresses))
                    if channel is None:
                        return None
                    texts.append((channel.buffer, value))
                    if channel.ends:
                        enders.append(channel)
            elif kind is _EVENT or kind is _ONCE:
                if slot.places:
                    if (slot.number, address_of(slot, at, addresses)) not in self._known:
                        return None
                elif slot.number not in self._known_slots:
                    return None
            elif value or kind is _DOCUMENT:  # a whole value
                return None
        if enders and not self._end_nothing(enders, texts):
            return None
        for number, where in latest:
            self._latest[number] = event.raw(where), True
        return fed_with(texts)

    def channel(self, slot: int, addresses: tuple[Any, ...]) -> Channel | None:
        """The channel to which text of a slot with these addresses leads."""
        number = self._registered.get((slot, addresses))
        if number is None:
            for place in self._open_at.get(slot, ()):
                number = self._registered.get((slot, (*addresses[:place], ..., *addresses[place + 1 :])))
                if number is not None:
                    break
            else:
                return None
        return self._channels[number]

    def ended_by(self, channel: Channel) -> list[_backend.StreamBuffer]:
        """What text of a channel ends."""
        return [self._channels[number].buffer for number in channel.ends]

    def _end_nothing(self, enders: list[Channel], texts: list[tuple[_backend.StreamBuffer, str]]) -> bool:
        """Whether no channel that ends with text of these holds anything, or is fed as well."""
        for channel in enders:
            for ended in self.ended_by(channel):
                if ended.pending:
                    return False
                if len(texts) > 1 and any(ended is other for other, _ in texts):
                    return False
        return True
