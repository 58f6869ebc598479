"""Spots: where text of channels stands in an event, and what of it leaves."""

from __future__ import annotations

from typing import Any

from holdback.engine.marks import Event, Mark
from holdback.engine.shapes import Emptied, Kind

_TEXT, _ELEMENT, _KEEPS = Emptied.TEXT, Emptied.ELEMENT, Kind.KEEPS  # asked of each text


class Spot:
    """Where text of a channel stands in the event that is being settled."""

    __slots__ = ("holds", "leaves", "mark")

    def __init__(self, mark: Mark, leaves: str | None, *, holds: bool) -> None:
        self.mark = mark
        self.leaves = leaves
        self.holds = holds  # the channel held something back when this text was fed

    @property
    def is_withheld(self) -> bool:
        return self.holds and not self.leaves


def write(event: Event, spots: list[Spot], *, has_placed: bool) -> bool:
    """Make the changes of an event; returns whether it leaves."""
    changed = [spot for spot in spots if spot.leaves != spot.mark[2]]
    if not changed:
        return True
    kept: list[Mark] = []
    if [spot for spot in changed if spot.is_withheld and spot.mark[0].emptied is not _TEXT]:
        kept = [mark for mark in event.marks if mark[0].kind is _KEEPS]
        if not kept and not has_placed and not any(spot.leaves for spot in spots):
            for spot in changed:  # where it cannot be left out, it leaves with these changes
                _set(event, spot, kept, spots)
            return False
    for spot in changed:
        _set(event, spot, kept, spots)
    return True


def _set(event: Event, spot: Spot, kept: list[Mark], spots: list[Spot]) -> None:
    slot, at, _, where = spot.mark
    if slot.emptied is _ELEMENT and spot.is_withheld:
        depth = len(at)
        is_kept = any(mark[1][:depth] == at for mark in kept) or any(
            other.leaves and other.mark[1][:depth] == at for other in spots
        )
        if not is_kept and (element := _element(event, at)) is not None:
            event.take_out(element, at)
            return
    event.set(where, spot.leaves or "")


def _element(event: Event, at: tuple[int, ...]) -> Any:
    """Where the element of an array stands that has these positions."""
    for slot, own, _, where in event.marks:
        if slot.kind is Kind.PLACE and slot.name == "element" and own == at:
            return where
    return None
