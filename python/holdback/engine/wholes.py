"""Whole values: those that are part of no channel, restored at once, and all of an answer that is not streamed.

The parts of one content are one text, as they are one channel in a stream, and so are those of thoughts: whether it is
a document is decided once, and a placeholder may begin in one part and end in the next. It is put in where it ends.
"""

from __future__ import annotations

from typing import Any, Literal

from holdback import _backend
from holdback.engine.guard import NO_TOOL, Account, AnyGuard, AnyPlain, Tool, guard_for
from holdback.engine.marks import Event, Mark, tools_at
from holdback.engine.shapes import Kind, Slot

_SOURCE, _WHOLE_SOURCE, _DOCUMENT = Kind.SOURCE, Kind.WHOLE_SOURCE, Kind.DOCUMENT  # asked of each value

Json = bool | Literal["auto"]
"""Whether a text is JSON source; ``"auto"``: it tells by its beginning."""

Parts = list[tuple[Mark, bool]]
"""The parts of one text, and for each whether what it holds back leaves with it."""


class Wholes:
    """The whole texts of one event, which hang together."""

    __slots__ = ("_account", "_content", "_event", "_matcher", "_parts", "_places")

    def __init__(self, event: Event, matcher: _backend.TrieMatcher, content: Json, account: Account) -> None:
        self._event = event
        self._matcher = matcher
        self._content = content
        self._account = account
        self._parts: dict[tuple[tuple[int, ...], str], Parts] | None = None
        self._places: dict[tuple[Any, str], AnyPlain] = {}  # where they stopped, by choice and channel

    def restore(
        self,
        mark: Mark,
        choice: Any,
        *,
        start: AnyPlain | None = None,
        tool: Tool = NO_TOOL,
        counts: bool = True,
    ) -> None:
        """Restore the complete value at a mark."""
        slot, at, value, where = mark
        if slot.channel == "arguments" and self._account.policy is not None:
            tool = _tool_at(self._event, at) or tool
        said = slot, choice, start, tool
        if slot.kind is _DOCUMENT:
            self._event.document(where, lambda source: self._restored(source, *said, counts=counts))
        elif slot.part_of:
            self._restore_parts(self._parts_of(mark), *said, counts=counts)
        elif (restored := self._restored(value, *said, counts=counts)) != value:
            self._event.set(where, restored)

    def _restored(
        self, text: str, slot: Slot, choice: Any, start: AnyPlain | None, tool: Tool, *, counts: bool
    ) -> str:
        """A text that is no part of another."""
        buffer, guard = self._opened(slot, choice, start, tool, counts=counts)
        restored = buffer.feed(text) + buffer.flush()
        self._closed(buffer, guard, slot, choice, counts=counts)
        return restored

    def _restore_parts(
        self, parts: Parts, slot: Slot, choice: Any, start: AnyPlain | None, tool: Tool, *, counts: bool
    ) -> None:
        """Restore the parts of one text."""
        if not parts:
            return
        buffer, guard = self._opened(slot, choice, start, tool, counts=counts)
        out, held = [], []
        for part, ends in parts:
            out.append(buffer.feed(part[2]) + (buffer._settle() if ends else ""))
            held.append(buffer.pending)
        out[-1] += buffer.flush()
        _stay(out, held)
        self._closed(buffer, guard, slot, choice, counts=counts)
        for (part, _), restored in zip(parts, out, strict=True):
            if restored != part[2]:
                self._event.set(part[3], restored)

    def _opened(
        self, slot: Slot, choice: Any, start: AnyPlain | None, tool: Tool, *, counts: bool
    ) -> tuple[_backend.StreamBuffer, AnyGuard | None]:
        """A buffer for a text, with its guard if there is a policy."""
        json = slot.kind is _DOCUMENT or json_of(slot, self._content)
        account = self._account
        guard = None
        if account.policy is None:
            buffer = self._matcher.stream(json=json)
        else:
            begin = self._places.get((choice, slot.channel), start) if slot.joins else None
            of = "auto" if json and slot.content else json
            guard = guard_for(account, slot.channel, json=of, start=begin, tool=tool)
            buffer = self._matcher._guarded(guard, json=json)
        return (account.watch(buffer) if counts else buffer), guard

    def _closed(
        self, buffer: _backend.StreamBuffer, guard: AnyGuard | None, slot: Slot, choice: Any, *, counts: bool
    ) -> None:
        """The text is complete."""
        if counts:
            self._account.take(buffer, guard)
        if guard is not None and slot.joins and (places := guard.plain_places()) is not None:
            self._places[choice, slot.channel] = places

    def _parts_of(self, mark: Mark) -> Parts:
        """The parts of one text, if ``mark`` is the first of them; none if it is another."""
        if self._parts is None:
            self._parts = _parts(self._event)
        return self._parts.pop(_text_of(mark), [])


def _text_of(mark: Mark) -> tuple[tuple[int, ...], str]:
    """Of which text a part is: the array and the name."""
    return mark[1][: -mark[0].arrays], mark[0].part_of


def _parts(event: Event) -> dict[tuple[tuple[int, ...], str], Parts]:
    """The parts of each text by the array they stand in and its name. What is held back leaves before an event among
    them, and that of thoughts before content.
    """
    found: dict[tuple[tuple[int, ...], str], Parts] = {}
    for mark in event.marks:
        slot, within = mark[0], mark[1][: -mark[0].arrays]
        if slot.kind is Kind.EVENT or (slot.part_of and slot.content and mark[2]):
            for (array, _), parts in found.items():
                if array == within and not (slot.content and parts[-1][0][0].content):
                    parts[-1] = parts[-1][0], True
        if slot.part_of:
            found.setdefault(_text_of(mark), []).append((mark, False))
    return found


def _stay(out: list[str], held: list[str]) -> None:
    """What a part held back stays in it if it leaves as it came, instead of in the next one."""
    for at in range(len(out) - 2, -1, -1):
        if held[at] and out[at + 1].startswith(held[at]):
            out[at] += held[at]
            out[at + 1] = out[at + 1][len(held[at]) :]


def restore_wholes(
    event: Event,
    matcher: _backend.TrieMatcher,
    content: Json,
    account: Account,
    *,
    is_one: bool = False,
) -> None:
    """Restore an event that is nothing but complete values, as a whole answer is."""
    wholes = Wholes(event, matcher, content, account)
    for mark in event.marks:
        if mark[0].kind is not Kind.EVENT:
            wholes.restore(mark, () if is_one else mark[1][:1])


def _tool_at(event: Event, at: tuple[int, ...]) -> Tool | None:
    """The tool that is named beside a whole value."""
    for depth in range(len(at), -1, -1):
        for said, is_provider in tools_at(event.addresses, at[:depth]):
            tool = Tool()
            tool.join(said, is_provider=is_provider)
            return tool
    return None


def json_of(slot: Slot, content: Json) -> Json:
    """Whether the text of a slot is JSON source."""
    return content if slot.content else slot.kind is _SOURCE or slot.kind is _WHOLE_SOURCE
