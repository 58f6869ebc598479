"""Which texts of a response were said, so that a whole value is counted once, and not at all if its channel was fed.

A text comes in deltas, and once more in its own ``.done``, in its part, in its item and in the response; or in some of
these alone. Its *place* is the same in all of them: the output, what its channel is called, and its indices in the
item. (The summary and the text of one reasoning item share their places.)

Events that do not say where their text stands give places that nothing else has. Where there was one, an item and a
response count for nothing, since they may repeat it.

The Realtime API says its texts in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from holdback.engine.answer import MOST_CHANNELS
from holdback.engine.marks import Event, Mark

Place = tuple[Any, str, tuple[Any, ...]]
INDICES = ("content_index", "summary_index", "command_index")
OF_PARTS = ("response.content_part.", "response.reasoning_summary_part.")


class Said:
    """The places of one response's texts."""

    __slots__ = ("_is_vague", "_new", "_places")

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self._new: set[Place] = set()  # of the event in hand, in which no text comes twice
        self._is_vague = False

    def fed(self, channel: str, ids: Mapping[str, Any], *, has_index: bool) -> None:
        """A channel of that name, whose events have these ids, has text."""
        index = _index(ids)
        self._is_vague = self._is_vague or len(index) < has_index
        self._add(self._places, (_output(ids), channel, index))

    def repeats(self, kind: str, mark: Mark, ids: Mapping[str, Any]) -> bool:
        """Whether a whole value was said before: the one at a mark of an event of that kind, with these ids."""
        slot, at, value, _ = mark
        is_summing_up = True
        if kind.startswith("response.output_item."):
            place = _output(ids), slot.channel, at
        elif kind.count(".") == 1:  # `response.completed`, `response.done` and the like
            place = (at[0] if at else None), slot.channel, at[1:]
        else:
            is_summing_up = False
            index = _index(ids)
            if kind.startswith(OF_PARTS):
                index += at
            elif kind == "response.output_text.annotation.added":
                index += (ids.get("annotation_index"),)
            place = _output(ids), slot.channel, index
        if place in self._places or (is_summing_up and self._is_vague):
            return True
        if value != "":
            self._add(self._new, place)
        return len(self._places) >= MOST_CHANNELS

    def settle(self) -> None:
        """The event is over."""
        self._places |= self._new
        self._new.clear()

    def _add(self, places: set[Place], place: Place) -> None:
        if len(self._places) < MOST_CHANNELS:
            places.add(place)
            self._is_vague = self._is_vague or not isinstance(place[0], int) or None in place[2]


def ids_in(event: Event) -> dict[str, Any]:
    """What an event says of where it belongs."""
    ids = {name: value for (name, at), value in event.addresses.items() if not at and value != ""}
    ids.setdefault("item_id", ids.get("own_id"))
    return ids


def _output(ids: Mapping[str, Any]) -> Any:
    output = ids.get("output_index")
    return ("item", ids.get("item_id")) if output is None else output


def _index(ids: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple([ids[name] for name in INDICES if ids.get(name) is not None])
