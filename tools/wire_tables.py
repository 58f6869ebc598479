"""The tables of docs/formats.md: where each wire format has text, read off the format modules.

    .venv/bin/python tools/wire_tables.py     # write the tables anew

A format module holds what it reads as data: shapes. ``places`` lists every place of a format where text stands, one
by one; tests try each of them. ``tables`` is the same for people: places that are alike share a row, and
a shape that occurs again and again (an item, a block) has a table of its own.

In the page a table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from holdback.engine.shapes import OTHER, ByType, Kind, Shape, Slot
from holdback.formats import (
    FORMATS,
    ag_ui,
    anthropic,
    bedrock,
    chat,
    cohere,
    gemini,
    ollama,
    realtime,
    response_items,
    responses,
    text,
)
from holdback.formats import ui_message_stream as ui

PAGE = Path(__file__).resolve().parent.parent / "docs" / "formats.md"
MARK = re.compile(r"(<!-- table: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Leaf(Enum):
    """What a place holds."""

    TEXT = "text"
    CONTENT = "content"
    JSON = "JSON"
    SIGNED = "on demand"


TEXT, CONTENT, JSON, SIGNED = Leaf
LEAVES = {
    Kind.TEXT: TEXT,
    Kind.WHOLE: TEXT,
    Kind.SOURCE: JSON,
    Kind.WHOLE_SOURCE: JSON,
    Kind.DOCUMENT: JSON,
}

EACH = "[]"
"""The step into every element of a list."""


class Type(NamedTuple):
    """The step that says by which value of which member a node goes; the empty value stands for none."""

    name: str
    member: str = "type"


Step = str | Type
Steps = tuple[Step, ...]
Names = Sequence[tuple[str, Shape]]
"""Shapes that have a table of their own, and what a reader calls them."""


class Place(NamedTuple):
    """One place where text stands. ``event`` is the type of the event, empty where events have none."""

    event: str
    steps: Steps
    leaf: Leaf


# ---------------------------------------------------------------- reading shapes


def leaves(shape: Shape, names: Names = ()) -> Iterator[tuple[Steps, Leaf | str]]:
    """The text in a shape, each with the steps that lead there; inside, a shape that has a name is its name."""
    if isinstance(shape, Slot):
        if shape.name != "call" and (what := LEAVES.get(shape.kind)) is not None:
            yield (), SIGNED if shape.channel == "signed" else CONTENT if shape.content else what
        return
    if isinstance(shape, tuple):
        yield from dict.fromkeys(found for one in shape for found in leaves(one, names))
        return
    inner: list[tuple[Step, Shape]]
    if isinstance(shape, list):
        inner = [(EACH, shape[0])]
    elif isinstance(shape, ByType):
        inner = [(Type(_named(name), shape.name), one) for name, one in shape.items()]
    else:
        inner = [(name, shape[name]) for name in _own_names(shape)]
    for step, one in inner:
        name = next((name for name, known in names if known is one), None)
        for steps, leaf in leaves(one, names) if name is None else [((), name)]:
            yield (step, *steps), leaf


def _named(name: Any) -> str:
    """The type that a name is; the empty one if it stands for all others."""
    return "" if name is OTHER else str(name)


def _own_names(shape: dict[Any, Any]) -> Iterator[str]:
    """The names of members, without those that are another spelling of one on Google's wire."""
    spelled_anew = {gemini.snake(name) for name in shape if name is not OTHER and gemini.snake(name) != name}
    return (name for name in shape if name is not OTHER and name not in spelled_anew)


Events = Mapping[str, Shape]
"""Shapes of events by their type."""


def events_of(shape: Shape) -> Events:
    """The shapes of a format's events by their types."""
    if not isinstance(shape, ByType):
        return {"": shape}
    return {name: one for name, one in shape.items() if _named(name)}


STREAMS: dict[str, Events] = {name: events_of(kind.SHAPE) for name, kind in FORMATS.items()}
"""What is read in the events of each stream."""

ANSWERS: dict[str, Shape] = {name: kind.ANSWER for name, kind in FORMATS.items()}
"""What is read in each whole answer. Gemini's in the spelling of the wire."""


def places(events: Events) -> list[Place]:
    """Every place in these events."""
    return [
        Place(event, steps, leaf)
        for event, shape in events.items()
        for steps, leaf in leaves(shape)
        if isinstance(leaf, Leaf)
    ]


# ---------------------------------------------------------------- tables

BLOCKS: Names = (
    ("a block", anthropic.BLOCK),
    ("a block", anthropic.STARTED),
    ("a citation", anthropic.CITATION),
)
MESSAGES: Names = (("a message", ag_ui.MESSAGE),)
REALTIME: Names = (("an item", realtime.ITEM), ("an item", realtime.ITEM_WITH_ID))
CITATIONS: Names = (("a citation", cohere.CITATION),)
ITEMS: Names = (
    ("an item", response_items.ITEM),
    ("an item", responses.ITEM_WITH_ID),
    ("a part", response_items.PART),
    ("an annotation", response_items.ANNOTATION),
)


def path_of(steps: Steps) -> str:
    """``choices[].delta.content``."""
    return "".join(step if step == EACH else f".{step}" for step in steps if isinstance(step, str))[1:]


def types_of(steps: Steps) -> str:
    """The types that the nodes on the way must have."""
    names = [_type(step) for step in steps if isinstance(step, Type)]
    return " > ".join(names)


def _type(step: Type) -> str:
    if not step.name:
        return "none"
    return f"`{step.name}`" if step.member == "type" else f"`{step.member}: {step.name}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _grouped(rows: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Rows of (key, path, what): what has the same key shares a row, and so do keys with the same content."""
    paths: dict[tuple[str, str], dict[str, None]] = {}
    for key, path, what in rows:
        paths.setdefault((key, what), {})[path] = None
    keys: dict[tuple[str, str], list[str]] = {}
    for (key, what), found in paths.items():
        keys.setdefault((", ".join(found), what), []).append(key)
    for (where, what), alike in keys.items():
        yield ", ".join(dict.fromkeys(alike)), where, what


def _what(leaf: Leaf | str) -> str:
    return leaf if isinstance(leaf, str) else leaf.value


def table_of_paths(shape: Shape) -> str:
    """One row for each path."""
    rows: dict[tuple[str, str], list[str]] = {}
    for steps, leaf in leaves(shape):
        rows.setdefault((path_of(steps), _what(leaf)), []).append(types_of(steps))
    return _table(
        ("Where", "What"),
        [
            (f"`{path}`" + (f" of type {', '.join(types)}" if any(types) else ""), what)
            for (path, what), types in rows.items()
        ],
    )


def table_of_events(events: Events, names: Names) -> str:
    """One row for events in which the same is read."""
    rows = []
    for event, shape in events.items():
        for steps, leaf in leaves(shape, names):
            types = types_of(steps)
            rows.append(
                (f"`{event}`", f"`{path_of(steps)}`" + (f" of {types}" if types else ""), _what(leaf))
            )
    return _table(("Event", "Where", "What"), _grouped(rows))


def table_of_types(shape: Shape, names: Names) -> str:
    """One row for types in which the same is read; of a shape without types one for all."""
    rows = []
    for steps, leaf in leaves(shape, names):
        types, path = types_of(steps), path_of(steps)
        rows.append((types, f"`{path}`", _what(leaf)))
    if not any(types for types, _, _ in rows):
        return _table(("Where", "What"), [(where, what) for _, where, what in _grouped(rows)])
    return _table(("Type", "Where", "What"), _grouped(rows))


def tables() -> dict[str, str]:
    """All tables of the page by name."""
    responses_events, anthropic_events = STREAMS["openai-responses"], STREAMS["anthropic"]
    return {
        "openai-chat.stream": table_of_paths(chat.Chat.SHAPE),
        "openai-chat.answer": table_of_paths(chat.Chat.ANSWER),
        "openai-text": table_of_paths(text.Text.ANSWER),
        "openai-responses.events": table_of_events(responses_events, ITEMS),
        "openai-responses.items": table_of_types(response_items.ITEM, ITEMS),
        "openai-responses.parts": table_of_types(response_items.PART, ITEMS),
        "openai-responses.annotations": table_of_types(response_items.ANNOTATION, ()),
        "anthropic.events": table_of_events(anthropic_events, BLOCKS),
        "anthropic.blocks": table_of_types(anthropic.BLOCK, BLOCKS),
        "anthropic.citations": table_of_types(anthropic.CITATION, ()),
        "gemini": table_of_paths(gemini.Gemini.SHAPE),
        "ollama": table_of_paths(ollama.Ollama.ANSWER),
        "cohere.events": table_of_events(STREAMS["cohere"], CITATIONS),
        "cohere.citations": table_of_paths(cohere.CITATION),
        "cohere.answer": table_of_paths(cohere.Cohere.ANSWER),
        "bedrock.stream": table_of_paths(bedrock.Bedrock.SHAPE),
        "bedrock.answer": table_of_paths(bedrock.Bedrock.ANSWER),
        "ui-message-stream.events": table_of_events(STREAMS["ui-message-stream"], ()),
        "ui-message-stream.answer": table_of_paths(ui.UIMessageStream.ANSWER),
        "ag-ui.events": table_of_events(STREAMS["ag-ui"], MESSAGES),
        "ag-ui.answer": table_of_paths(ag_ui.AgUi.ANSWER),
        "openai-realtime.events": table_of_events(STREAMS["openai-realtime"], REALTIME),
        "openai-realtime.items": table_of_types(realtime.ITEM, ()),
    }


def with_tables(page: str) -> str:
    """The page with its tables as they have to be. A table without a place, or a place without one, is an error."""
    made = tables()
    marked = [mark[2] for mark in MARK.finditer(page)]
    if sorted(marked) != sorted(made):
        raise ValueError(f"the page has tables {sorted(marked)}, the formats have {sorted(made)}")
    return MARK.sub(lambda mark: f"{mark[1]}\n{made[mark[2]]}\n{mark[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
