"""Streams of the formats whose every event says its type, invented from what the judge knows of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from wire_texts import Channel, Event, cut, source, text
from wire_typed import READERS, Said

OPENINGS: dict[str, Event] = {
    "cohere": {"type": "message-start", "id": "<P_1>", "delta": {"message": {"role": "assistant"}}},
    "ui-message-stream": {"type": "start-step"},
    "ag-ui": {"type": "RUN_STARTED", "threadId": "<P_1>", "runId": "<P_1>"},
    "openai-realtime": {"type": "session.created", "event_id": "<P_1>", "session": {"instructions": "<P_1>"}},
}
"""Events that such a stream begins with, and that tell what it is."""

BESIDES: dict[str, list[Event]] = {
    "cohere": [{"type": "debug", "prompt": "<P_1>"}, {"type": "message-start", "id": "<P_1>"}],
    "ui-message-stream": [
        {"type": "data-x", "data": "<P_1>"},
        {"type": "tool-input-start", "toolCallId": "i1", "inputEncoding": "text"},
    ],
    "ag-ui": [{"type": "RAW", "event": "<P_1>"}, {"type": "STATE_SNAPSHOT", "snapshot": {"né": "<P_1>"}}],
    "openai-realtime": [
        {"type": "response.output_audio.delta", "event_id": "<P_1>", "response_id": "i0", "delta": "<P_1>"},
        {"type": "response.done", "event_id": "e", "response": {"id": "i0", "output": []}},
        {"type": "response.output_item.done", "event_id": "e", "response_id": "i1", "item": {"id": "i0"}},
        {"type": "error", "event_id": "e", "error": {"message": "<P_1>"}},
    ],
}
"""Events in which nothing is read."""

Invented = tuple[list[Channel], list[Event], list[Event]]


def merged(one: Any, other: Any) -> Any:
    """Both events in one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            **one,
            **other,
            **{name: merged(one[name], other[name]) for name in one if name in other},
        }
    return other


def built(path: list[str], leaf: Any) -> Any:
    """An event with ``leaf`` at the end of a path, as the judge spells paths."""
    if not path:
        return leaf
    name, *rest = path
    inner = built(rest, leaf)
    if name == "*":
        return [inner]
    return {"type": name[1:], **inner} if name.startswith("=") else {name: inner}


def says(kind: str, said: Said, ids: Event, rng: Random, piece: str, _first: bool) -> Event:
    """An event with a piece of text."""
    event: Event = {"type": kind, **ids, **built(said.path.split(), piece)}
    return event


def typed(protocol: str, rng: Random, *, wide: bool) -> Invented:
    """Channels, what stands beside them, and ends, of one format."""
    reader = READERS[protocol]
    deltas = [
        (kind, said) for kind, saids in reader.TEXTS.items() for said in saids if kind not in reader.ENDS
    ]
    channels = []
    for kind, said in rng.sample(deltas, min(len(deltas), rng.randint(1, 4))):
        ids = ids_of(said, rng)
        pieces = cut(rng, source(rng) if said.source else text(rng))
        channels.append(Channel(partial(says, kind, said, ids), pieces))
    besides = [*BESIDES[protocol]]
    for kind, saids in reader.ENDS.items():
        event: Event = {"type": kind, **ids_of(rng.choice(saids), rng)}
        for said in reader.TEXTS.get(kind, ()):
            piece = source(rng) if said.source else text(rng)
            event = merged(event, built(said.path.split(), rng.choice(("", piece))))
        besides.append(event)
    for kind, rules in reader.WHOLES.items():
        event = {"type": kind}
        rule = rng.choice(rules)
        leaf: Any = {"né": [text(rng), 1.5]} if rule.endswith("!") else text(rng)
        besides.append(merged(event, built(rule.rstrip("!? ").split(), leaf)))
    if wide:
        besides += [{"error": {"message": "<P_1>"}}, {"type": "unheard-of", "delta": "<P_1>"}]
    return channels, besides, [{"type": kind} for kind in reader.ALL] or besides[-1:]


def ids_of(said: Said, rng: Random) -> Event:
    """Ids of a channel, few enough that they come again."""
    return {
        name: number if "index" in name else f"i{number}"
        for name in said.ids
        for number in (rng.randint(0, 1),)
    }


FORMATS: dict[str, Callable[..., Invented]] = {name: partial(typed, name) for name in READERS}
