"""The tables of docs/masking.md: what is read in the requests of each format, made from ``masking/requests.py``.

    .venv/bin/python tools/masking_tables.py     # write the tables anew

``places`` lists every place that the shape of a format names, one by one; tests try each of them. ``tables`` is the
same for people: a shape that occurs again and again (a message, a block, a tool) has a table of its own.

In the page a table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from holdback.masking import parts, requests
from holdback.masking.requests import REQUESTS
from holdback.masking.shapes import OTHERS, SIGNED, By, Either, Kind, Shape

PAGE = Path(__file__).resolve().parent.parent / "docs" / "masking.md"
MARK = re.compile(r"(<!-- table: ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

EACH = "[]"
"""The step into every element of a list."""


class Case(NamedTuple):
    """The step that says what a member of the node says."""

    member: str
    value: str


Step = str | Case
Steps = tuple[Step, ...]


class Place(NamedTuple):
    """One place, and what it is: a kind, or the name of a shape that has a table of its own."""

    steps: Steps
    what: Kind | str


NAMED: Mapping[str, Shape] = {
    "a message": parts.MESSAGE,
    "a block": parts.CONTENT,
    "an item": requests.ITEM,
    "a turn": requests.TURN,
    "a part": requests.PART,
    "a tool": parts.TOOL,
    "a declaration": parts.DECLARATION,
    "a tool choice": parts.CHOICE,
    "a form": parts.FORMAT,
    "a schema": parts.SCHEMA,
}
"""Shapes that have a table of their own, by what a reader calls them."""


def places(shape: Shape, names: Mapping[str, Shape] | None = None) -> Iterator[Place]:
    """The places of a shape; inside, one that has a name is that name. Without names each object is entered once."""
    yield from _places(shape, names or {}, (), set())


def _places(shape: Shape, names: Mapping[str, Shape], steps: Steps, entered: set[int]) -> Iterator[Place]:
    name = next((name for name, known in names.items() if known is shape), None)
    if name is not None and steps:
        yield Place(steps, name)
    elif isinstance(shape, Kind):
        yield Place(steps, shape)
    elif isinstance(shape, list):
        yield from _places(shape[0], names, (*steps, EACH), entered)
    elif isinstance(shape, By):
        for value, inner in shape.shapes.items():
            case = _differing(inner, shape.other) if names else inner
            yield from _places(case, names, (*steps, Case(shape.member, value)), entered)
        yield from _places(shape.other, names, steps, entered)
    elif isinstance(shape, Either):
        kind, inner = shape
        yield Place(steps, kind)
        if kind is not SIGNED:
            yield from _places(inner, names, steps, entered)
    elif names or id(shape) not in entered:
        entered.add(id(shape))
        for member, inner in shape.items():
            if names and _camel(member) != member and shape.get(_camel(member)) is inner:
                continue  # one of two spellings
            yield from _places(inner, names, (*steps, member), entered)


def _differing(shape: Shape, other: Shape) -> Shape:
    """Of the shape of a case, what is another than in other cases."""
    if isinstance(shape, dict) and isinstance(other, dict):
        return {name: inner for name, inner in shape.items() if other.get(name) is not inner}
    return shape


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def path_of(steps: Steps) -> str:
    """``messages[].content``; ``*`` is any member."""
    return "".join(step if step == EACH else f".{step}" for step in steps if isinstance(step, str))[1:]


def _rows(shape: Shape) -> Iterator[tuple[str, str]]:
    """Rows of (what, where); places that are read alike share one."""
    rows: dict[str, dict[str, None]] = {}
    for steps, what in places(shape, NAMED):
        cases = [f"{case.member} `{case.value}`" for case in steps if isinstance(case, Case)]
        where = f"`{path_of(steps)}`" if path_of(steps) else "itself"
        if OTHERS in steps:
            where = where.replace(f".{OTHERS}", "").replace(f"`{OTHERS}`", "every other member")
            where += "" if where.startswith("every") else " (its members)"
        said = what if isinstance(what, str) else what.value
        rows.setdefault(said, {})[f"{where} of {', '.join(cases)}" if cases else where] = None
    order = [*(kind.value for kind in Kind), *NAMED]
    for said in sorted(rows, key=order.index):
        yield said, ", ".join(rows[said])


def _table(shape: Shape) -> str:
    lines = [("What", "Where"), ("---", "---"), *_rows(shape)]
    return "".join(f"| {what} | {where} |\n" for what, where in lines)


def tables() -> dict[str, str]:
    """All tables of the page by name."""
    named = {name.partition(" ")[2].replace(" ", "-"): shape for name, shape in NAMED.items()}
    return {name: _table(shape) for name, shape in (REQUESTS | named).items()}


def rewritten(page: str) -> str:
    """The page with its tables as they are now."""
    made = tables()
    return MARK.sub(lambda found: found[1] + "\n" + made[found[2]] + "\n" + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
