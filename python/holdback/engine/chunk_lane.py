"""The lane for chunks: takes those that feed open channels and do nothing else, without walking them.

Most chunks of a stream are like one before in everything but their text. Such a chunk has the same marks with other
texts, so it is compared with the one that was walked, and its texts are fed to the channels that theirs are registered
for. Where anything else differs, the lane declines before anything was fed, and the chunk is walked and settled.

``Answer`` tells this lane what it tells the native one for bytes: which channels are open, what text leads to them,
which channels end with it, and what says nothing any more. The rules by which a chunk may be taken are the same.

Invariants. A chunk is known only by what was walked, with copies of all that it is compared with, since a caller may
change a chunk after it has left. Numbers are equal only if they are of one type: true is no index. With and without the
lane the same chunks leave.

Cost: O(members of the nodes on the way to texts) and the comparison of the rest; at most ``MOST_KNOWN`` comparisons.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from pydantic import BaseModel

from holdback import _backend
from holdback.engine.marks import Event, address_of
from holdback.engine.objects import members
from holdback.engine.open_channels import Fed, OpenChannels, fed_with
from holdback.engine.shapes import Kind, Shapes

MOST_KNOWN = 4
"""Chunks that differ in more than their text, in turns: reasoning, content, two calls."""
MOST_PLACES = 16
"""The values that may differ in one chunk."""
PATIENCE = 8
"""After so many chunks in a row that were not known only one of so many is learned: the next may differ as well."""

_SCALARS = (str, int, float, Enum, type(None))


class ChunkLane(OpenChannels):
    """What is known of a stream's channels, and the chunks that can be taken by it."""

    __slots__ = ("_alone", "_misses", "_plans")

    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        self._alone = shapes.alone
        self._plans: list[_Plan] = []
        self._misses = 0

    # ------------------------------------------------------------ what the answer says

    def register(self, channel: int, slot: int, addresses: tuple[Any, ...]) -> None:
        """The same. What leaves an address open is not taken."""
        if ... in addresses:
            return
        if self._registered.get((slot, addresses), channel) != channel:
            self._plans.clear()
        super().register(channel, slot, addresses)

    def link(self, channel: int, ended: int) -> None:
        """The same. No chunk is known any more, since those that feed the channel end another one now."""
        super().link(channel, ended)
        self._plans.clear()

    def forget(self, channel: int) -> None:
        """The same. No chunk is known any more, since those that feed the channel are not taken."""
        super().forget(channel)
        self._plans.clear()

    # ------------------------------------------------------------ chunks

    def feed(self, chunk: Any) -> Fed | None:
        """Feed the texts of a chunk that is known; None if it is not, and nothing was fed.

        Returns what leaves in place of each text, in the order of the chunk, and whether the channel held something
        back when it was fed; an empty list if all leave as they came.
        """
        for plan in self._plans:
            values: list[Any] = [None] * plan.size
            if plan.root.is_like(chunk, values):
                break
        else:
            return None
        for buffer in plan.ended:
            if buffer.pending:
                return None
        self._misses = 0
        for slot, index in plan.latest:
            self._latest[slot] = values[index], True
        return fed_with(zip(plan.buffers, values, strict=False))

    def unlearn(self) -> None:
        """Know no chunk any more."""
        self._plans.clear()

    def learn(self, event: Event, chunk: Any) -> None:
        """Know chunks like this one, which was walked and settled, if they do nothing but feed open channels."""
        self._misses += 1
        if self._misses > PATIENCE and self._misses % PATIENCE:
            return
        plan = self._plan(event, chunk)
        if plan is not None:
            self._plans.insert(0, plan)
            del self._plans[MOST_KNOWN:]

    def _plan(self, event: Event, chunk: Any) -> _Plan | None:
        """The chunk as one that is known; None if such chunks must be settled."""
        texts: list[tuple[Any, int]] = []
        spared: list[tuple[Any, int]] = []
        for mark in event.marks:
            slot, at, value, path = mark
            kind = slot.kind
            if kind is Kind.DOCUMENT or ((kind is Kind.WHOLE or kind is Kind.WHOLE_SOURCE) and value):
                return None
            key = slot.number, address_of(slot, at, event.addresses)
            if kind is Kind.EVENT or kind is Kind.ONCE:
                if key not in self._known:
                    return None
                if kind is Kind.ONCE and slot.number in self._alone:
                    spared.append((path, -1))
            elif kind is Kind.LATEST:
                if slot.number not in self._alone:
                    return None
                spared.append((path, slot.number))
            elif value and (kind is Kind.TEXT or kind is Kind.SOURCE):
                channel = self._registered.get(key)
                if channel is None:
                    return None
                texts.append((path, channel))
        channels = {channel for _, channel in texts}
        ended = {other for channel in channels for other in self._channels[channel].ends}
        if not texts or ended & channels or len(texts) + len(spared) > MOST_PLACES:
            return None
        return self._compared(chunk, texts, spared, ended)

    def _compared(
        self, chunk: Any, texts: list[tuple[Any, int]], spared: list[tuple[Any, int]], ended: set[int]
    ) -> _Plan | None:
        places = {path: number for number, (path, _) in enumerate([*texts, *spared])}
        try:
            root = _Known.of(chunk, (), places, len(texts))
        except _NotKnown:
            return None
        buffers = [self._channels[channel].buffer for _, channel in texts]
        ending = [self._channels[channel].buffer for channel in ended]
        latest = [(slot, places[path]) for path, slot in spared if slot >= 0]
        return _Plan(root, len(places), buffers, ending, latest)


class _Plan:
    """A chunk that is known, and where its texts go."""

    __slots__ = ("buffers", "ended", "latest", "root", "size")

    def __init__(
        self,
        root: _Known,
        size: int,
        buffers: Sequence[_backend.StreamBuffer],
        ended: Sequence[_backend.StreamBuffer],
        latest: Sequence[tuple[int, int]],
    ) -> None:
        self.root = root
        self.size = size  # how many values differ
        self.buffers = buffers
        self.ended = ended
        self.latest = latest


class _NotKnown(Exception):
    """A chunk holds what cannot be compared."""


class _Known:
    """A node of a known chunk: what must be the same, and the places of what may differ."""

    __slots__ = ("deep", "inner", "is_passage", "kind", "numbers", "rest", "size", "spared", "texts")

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.rest: Any = None
        self.size = 0
        self.texts: list[tuple[Any, int]] = []
        self.spared: list[tuple[Any, int]] = []
        self.inner: list[tuple[Any, _Known]] = []
        self.numbers: list[tuple[Any, type]] = []
        self.deep: list[Any] = []
        self.is_passage = False  # an array of one element with something to look for in it

    @classmethod
    def of(cls, node: Any, path: tuple[Any, ...], places: Mapping[Any, int], texts: int) -> _Known:
        """The node at a path of the chunk; ``places`` has the number of every value that may differ.

        :raises _NotKnown: something there cannot be compared.
        """
        known = cls(type(node))
        named = _named(node)
        if named is None:
            raise _NotKnown
        for name, value in list(enumerate(named)) if isinstance(named, list) else list(named.items()):
            place = (*path, name)
            if (number := places.get(place)) is not None:
                if number < texts:
                    known.texts.append((name, number))
                    named[name] = None
                    continue
                known.spared.append((name, number))
                named[name] = value if isinstance(value, _SCALARS) else _copied(value)
            elif any(other[: len(place)] == place for other in places):
                known.inner.append((name, cls.of(value, place, places, texts)))
                named[name] = None
            elif isinstance(value, (int, float)):
                known.numbers.append((name, type(value)))
            elif not isinstance(value, _SCALARS):
                named[name] = _copied(value)
                known.deep.append(name)
        known.rest, known.size = named, len(named)
        known.is_passage = known.kind is list and known.size == len(known.inner) == 1
        return known

    def is_like(self, node: Any, values: list[Any]) -> bool:
        """Whether a node differs in nothing but what may differ, which is put into ``values``."""
        kind = type(node)
        if kind is not self.kind:
            return False
        if kind is list:
            if len(node) != self.size:
                return False
            if self.is_passage:
                return self.inner[0][1].is_like(node[0], values)
            named = node[:]
        else:
            named = node.copy() if kind is dict else dict(members(node) or {})
            for name, number in self.texts:
                value = named.get(name)
                if not value or not isinstance(value, str):
                    return False
                values[number] = value
                named[name] = None
        for name, inner in self.inner:
            value = named[name] if kind is list else named.get(name)
            if not inner.is_like(value, values):
                return False
            named[name] = None
        if named != self.rest and not self._is_spared(named):
            return False
        for name, number in self.spared:
            values[number] = named[name]
        for name, of in self.numbers:
            if type(named[name]) is not of:
                return False
        return not self.deep or all(_is_alike(named[name], self.rest[name]) for name in self.deep)

    def _is_spared(self, named: Any) -> bool:
        """Whether the members differ in nothing but those of which any value means the same."""
        if not self.spared:
            return False
        own = named.copy()
        for name, _ in self.spared:
            value, had = named.get(name), self.rest[name]
            if not value or type(value) is not type(had):
                return False
            own[name] = had
        return bool(own == self.rest)


def _named(node: Any) -> Any:
    """A copy of a list, or of the members of a dict or model; None of anything else."""
    if type(node) is list:
        return node[:]
    if type(node) is not dict and not isinstance(node, BaseModel):
        return None
    named = members(node)
    return None if named is None else dict(named)


def _copied(value: Any) -> Any:
    """A copy of a value that nobody else can change.

    :raises _NotKnown: there is no telling how it is compared.
    """
    if not isinstance(value, (dict, list, tuple, BaseModel)):
        raise _NotKnown
    try:
        return copy.deepcopy(value)
    except Exception as error:  # whatever a model's own method raises
        raise _NotKnown from error


def _is_alike(one: Any, other: Any) -> bool:
    """Whether equal values are of the same types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return all(map(_is_alike, one, other))
    named = members(one)
    if named is None:
        return True
    others = members(other) or {}
    return all(_is_alike(value, others.get(name)) for name, value in named.items())
