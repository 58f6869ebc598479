"""Steps: what a format says that an event does to the answer; ``Answer.settle`` takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from holdback.engine.marks import Mark

Key = tuple[Any, str, Any]
"""What a channel goes by: its group, its kind, and what else tells it from others."""

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
    """A whole value stands at a mark, which is part of no channel: a string, JSON source or a JSON value.

    ``repeats`` says that channels may have said it before, so that it is not counted. ``begins`` names these, as
    groups, kinds and what ``End`` calls own: a text begins in the place where theirs did.
    """

    __slots__ = ("begins", "mark", "repeats")

    def __init__(self, mark: Mark, *, repeats: bool = False) -> None:
        self.mark = mark
        self.repeats = repeats
        self.begins: list[tuple[Any, Iterable[str] | None, Iterable[Any] | None]] = []


class Named:
    """A tool is named, or a piece of its name comes; ``begins``: it is that of a new call."""

    __slots__ = ("begins", "is_provider", "name", "tool")

    def __init__(self, tool: Any, name: str, *, is_provider: bool = False, begins: bool = False) -> None:
        self.tool = tool
        self.name = name
        self.is_provider = is_provider
        self.begins = begins


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


Step = Feed | Whole | Named | End | Finish | Drain
