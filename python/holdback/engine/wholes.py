"""Whole values: those that are part of no channel, restored at once, and all of an answer that is not streamed.

The parts of one content are one text, as they are one channel in a stream, and so are those of thoughts: whether it is
a document is decided once, and a placeholder may begin in one part and end in the next. It is put in where it ends.
"""

from __future__ import annotations

from typing import Any, Literal

from holdback import _backend
from holdback.engine.guard import NO_TOOL, Account, AnyPlain, Tool, guard_for
from holdback.engine.marks import Event, Mark, tools_at
from holdback.engine.shapes import Kind, Slot

Json = bool | Literal["auto"]
"""Whether a text is JSON source; ``"auto"``: it tells by its beginning."""

Parts = list[tuple[Mark, bool]]
"""The parts of one text, and for each whether what it holds back leaves with it."""


class Chain:
    """How the whole texts of one event hang together."""

    __slots__ = ("_event", "_parts", "places")

    def __init__(self, event: Event) -> None:
        self._event = event
        self._parts: dict[tuple[tuple[int, ...], str], Parts] | None = None
        self.places: dict[tuple[Any, str], AnyPlain] = {}
        """Where they stopped, by choice and channel."""

    def parts(self, mark: Mark) -> Parts:
        """The parts of one text, if ``mark`` is the first of them; none if it is another."""
        if not mark[0].part_of:
            return [(mark, False)]
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


def restore_whole(
    event: Event,
    mark: Mark,
    matcher: _backend.TrieMatcher,
    content: Json,
    account: Account,
    chain: Chain,
    choice: Any,
    *,
    start: AnyPlain | None = None,
    tool: Tool = NO_TOOL,
    counts: bool = True,
) -> None:
    """Restore the complete value at a mark."""
    slot, at, _, where = mark
    json = slot.kind is Kind.DOCUMENT or json_of(slot, content)
    policy = account.policy
    if slot.channel == "arguments" and policy is not None:
        tool = _tool_at(event, at) or tool

    def replaced(texts: list[tuple[str, bool]]) -> list[str]:
        guard = None
        name = choice, slot.channel
        if policy is None:
            buffer = matcher.stream(json=json)
        else:
            begin = chain.places.get(name, start) if slot.joins else None
            of = "auto" if json and slot.content else json
            guard = guard_for(account, slot.channel, json=of, start=begin, tool=tool)
            buffer = matcher._guarded(guard, json=json)
        if counts:
            account.watch(buffer)
        out, held = [], []
        for text, ends in texts:
            out.append(buffer.feed(text) + (buffer._settle() if ends else ""))
            held.append(buffer.pending)
        out[-1] += buffer.flush()
        _stay(out, held)
        if counts:
            account.take(buffer, guard)
        if guard is not None and slot.joins and (places := guard.plain_places()) is not None:
            chain.places[name] = places
        return out

    if slot.kind is Kind.DOCUMENT:
        event.document(where, lambda text: replaced([(text, False)])[0])
        return
    parts = chain.parts(mark)
    texts = [(part[2], ends) for part, ends in parts]
    for (part, _), restored in zip(parts, replaced(texts) if texts else (), strict=True):
        if restored != part[2]:
            event.set(part[3], restored)


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
    chain = Chain(event)
    for mark in event.marks:
        if mark[0].kind is not Kind.EVENT:
            restore_whole(event, mark, matcher, content, account, chain, () if is_one else mark[1][:1])


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
    return content if slot.content else slot.kind is Kind.SOURCE or slot.kind is Kind.WHOLE_SOURCE
