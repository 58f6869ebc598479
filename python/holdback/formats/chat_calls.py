"""Which tool call of a chat completion a piece belongs to.

A call goes by its index; without one by its id. One without both, and an id that was not seen before and comes without
a name, is the call that began last at its position.
"""

from __future__ import annotations

from typing import Any

from holdback.engine.answer import Answer, addresses_of
from holdback.engine.marks import At, Event, Mark
from holdback.engine.steps import ANY, End, Feed, Named, Step
from holdback.formats.chat_places import CALL_TEXT


class Calls:
    """The calls of one stream."""

    __slots__ = ("_at", "_begun", "_ids", "_loose", "_varied")

    def __init__(self) -> None:
        self._begun: set[tuple[Any, Any]] = set()  # those that have an index and were seen
        self._at: dict[tuple[Any, int], Any] = {}  # (choice, position) -> the call that began there last
        self._ids: dict[tuple[Any, Any], str] = {}  # (choice, call) -> its id
        # Of what most streams have nothing there are dicts without values: an empty one is smaller than a set.
        self._loose: dict[Any, None] = {}  # the choices with calls that have no index
        self._varied: dict[tuple[Any, Any], None] = {}  # those whose id changes without a name

    def steps(self, steps: list[Step], mark: Mark, choice: Any, event: Event, answer: Answer) -> None:
        """The steps of a mark inside a call: another call may begin with it."""
        slot, at, value, _ = mark
        where = at[:2]
        index = event.addresses.get(("call", where), "")
        call_id, name = (event.addresses.get((part, where)) for part in ("call_id", "call_name"))
        call_id = call_id if isinstance(call_id, str) else ""
        own = self._without_index(choice, where[1], call_id, name) if index == "" else index
        addresses: tuple[Any, ...] | None = None
        if value or not slot.is_text:  # the lane takes what says nothing, so that changes nothing
            addresses = addresses_of(mark, event)
            if index != "":
                self._see_index(steps, choice, own, where[1], call_id, name, answer)
                if call_id and not name and (choice, own) in self._varied:
                    addresses = (*addresses[:3], ANY, None)
            else:
                self._loose[choice] = None
                if own == call_id and (choice, own) not in self._ids:
                    self._ids[choice, own] = call_id
                    self._begin(choice, own, where[1], answer)
                elif call_id and own != call_id:
                    addresses = None  # such an id need not come again
        if slot.is_text:
            steps.append(Feed((choice, slot.name, own), mark, addresses))

    def call_of(self, event: Event, at: At, name: str) -> Any:
        """What the call goes by that an event names; None is the old function call."""
        if name == "function_begins":
            return None
        where = at[:2]
        index = event.addresses.get(("call", where), "")
        if index != "":
            return index
        call_id = event.addresses.get(("call_id", where))
        call_id = call_id if isinstance(call_id, str) else ""
        return self._without_index(choice_of(event, at), where[1], call_id, name)

    def _see_index(
        self, steps: list[Step], choice: Any, own: Any, position: int, call_id: str, name: Any, answer: Answer
    ) -> None:
        """A call that has an index comes: it may be another one than before."""
        known = self._ids.get((choice, own))
        if (choice, own) not in self._begun or (call_id and name and call_id != known):
            self._begun.add((choice, own))
            self._begin(choice, own, position, answer)
        if call_id and known is None:
            self._ids[choice, own] = call_id
        elif call_id and call_id != known:
            if name:
                self._ids[choice, own] = call_id
                self._varied.pop((choice, own), None)
                steps.append(End(choice, CALL_TEXT.values(), (own,), closes=True))
                steps.append(Named((choice, own), "", begins=True))
            else:
                self._varied[choice, own] = None

    def _begin(self, choice: Any, own: Any, position: int, answer: Answer) -> None:
        """A call begins at a position: what comes there without an index and an id belongs to it."""
        self._at[choice, position] = own
        if choice in self._loose:
            answer.forget(choice)

    def _without_index(self, choice: Any, position: int, call_id: str, name: Any) -> Any:
        """What a call goes by that has no index."""
        seen = self._at.get((choice, position))
        if not call_id:
            return position if seen is None else seen
        if seen is not None and not name and (choice, call_id) not in self._ids:
            return seen
        return call_id


def choice_of(event: Event, at: At) -> Any:
    """What the choice of a mark goes by."""
    index = event.addresses.get(("choice", at[:1]))
    return at[0] if index is None or index == "" else index
