"""Marks: what a cursor found in an event, and what may be changed there.

A mark is a slot, the positions in the arrays on the way to it, the value, and where it stands. The last is for the
cursor alone, which makes the changes: a span of bytes, or the names and positions on the way to the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from holdback.engine.shapes import Slot

At = tuple[int, ...]
"""The positions in the arrays on the way to a value."""

Mark = tuple[Slot, At, Any, Any]
"""Slot, positions, value (None for a container), and where it stands."""

Addresses = Mapping[tuple[str, At], Any]
"""The values of addresses, by their names and positions."""

Replace = Callable[[str], str]
"""Restores some JSON source."""


class Event(Protocol):
    """One event that was read, and the changes to make in it."""

    @property
    def marks(self) -> list[Mark]:
        """What was found, in the order of the event."""

    @property
    def addresses(self) -> Addresses:
        """The addresses."""

    def raw(self, where: Any) -> Any:
        """The value there as it came: bytes of JSON, or an object."""

    def value(self, where: Any) -> Any:
        """The value there as Python's objects."""

    def set(self, where: Any, value: str) -> None:
        """Another string in place of the one there."""

    def document(self, where: Any, replace: Replace) -> None:
        """The JSON value there, restored."""

    def insert(self, where: Any, names: tuple[str, ...], value: Any) -> None:
        """A value where none was, under these names in the object (or null) there."""

    def append(self, where: Any, value: Any) -> None:
        """One more element of the array there."""

    def take_out(self, where: Any, at: At) -> None:
        """Not the element any more that is a place there; ``at`` are its positions."""


def address_of(slot: Slot, at: At, addresses: Addresses) -> tuple[Any, ...]:
    """What says which channel a mark belongs to: a value, or None, for each of the slot's addresses."""
    places = slot.places
    if not places:
        return ()
    values = []
    for name, depth, positional in places:
        value = addresses.get((name, at[:depth]))
        if value is None or value == "":
            value = at[depth - 1] if positional and depth else None
        values.append(value)
    return tuple(values)


def tools_at(addresses: Addresses, at: At = ()) -> list[tuple[str, bool]]:
    """The tools that are named there, and of each whether the provider runs it."""
    return [
        (said, name == "provider_tool")
        for name in ("tool", "provider_tool")
        if isinstance(said := addresses.get((name, at)), str)
    ]
