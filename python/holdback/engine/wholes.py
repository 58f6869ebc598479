"""Whole values: those that are part of no channel, restored at once, and all of an answer that is not streamed."""

from __future__ import annotations

from typing import Any, Literal

from holdback import _backend
from holdback.engine.guard import NO_TOOL, Account, Guard, Tool, places_for, plain_places
from holdback.engine.marks import Event, Mark
from holdback.engine.places import Places
from holdback.engine.shapes import Kind, Slot

Json = bool | Literal["auto"]
"""Whether a text is JSON source; ``"auto"``: it tells by its beginning."""

Chain = dict[tuple[Any, str], Places]
"""Where the texts of one event stopped, by choice and channel."""


def restore_whole(
    event: Event,
    mark: Mark,
    matcher: _backend.TrieMatcher,
    content: Json,
    account: Account,
    chain: Chain,
    choice: Any,
    *,
    start: Places | None = None,
    tool: Tool = NO_TOOL,
    counts: bool = True,
) -> None:
    """Restore the complete value at a mark."""
    slot, at, value, where = mark
    json = slot.kind is Kind.DOCUMENT or json_of(slot, content)
    policy = account.policy
    if slot.channel == "arguments" and policy is not None:
        tool = _tool_at(event, at) or tool

    def replace(text: str) -> str:
        guard = None
        name = choice, slot.channel
        if policy is None:
            buffer = matcher.stream(json=json)
        else:
            begin = chain.get(name, start) if slot.joins else None
            of = "auto" if json and slot.content else json
            guard = Guard(
                account,
                slot.channel,
                places_for(policy, json=of, start=begin),
                tool=tool,
            )
            buffer = matcher._guarded(guard, json=json)  # type: ignore[attr-defined]
        if counts:
            account.watch(buffer)
        restored = buffer.feed(text) + buffer.flush()
        if counts:
            account.take(buffer, guard)
        if guard is not None and slot.joins and (places := plain_places(guard)) is not None:
            chain[name] = places
        return text if restored == text else restored

    if slot.kind is Kind.DOCUMENT:
        event.document(where, replace)
        return
    restored = replace(value)
    if restored != value:
        event.set(where, restored)


def restore_wholes(
    event: Event,
    matcher: _backend.TrieMatcher,
    content: Json,
    account: Account,
    *,
    is_one: bool = False,
) -> None:
    """Restore an event that is nothing but complete values, as a whole answer is."""
    chain: Chain = {}
    for mark in event.marks:
        restore_whole(event, mark, matcher, content, account, chain, () if is_one else mark[1][:1])


def _tool_at(event: Event, at: tuple[int, ...]) -> Tool | None:
    """The tool that is named beside a whole value."""
    for depth in range(len(at), -1, -1):
        for name in ("tool", "provider_tool"):
            if isinstance(said := event.addresses.get((name, at[:depth])), str):
                tool = Tool()
                tool.join(said, is_provider=name == "provider_tool")
                return tool
    return None


def json_of(slot: Slot, content: Json) -> Json:
    """Whether the text of a slot is JSON source."""
    return content if slot.content else slot.kind is Kind.SOURCE or slot.kind is Kind.WHOLE_SOURCE
