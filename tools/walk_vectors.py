"""Makes ``tests/vectors/walk``: what the walk finds in the events of the byte layer's vectors.

``python tools/walk_vectors.py`` writes it anew, ``--check`` only says whether it is what it would write. The shapes are
those of every format, compiled; what is found is what the pure walk says. pytest asks the native walk through its
binding, and ``cargo test`` asks the crate.

``tables.json`` has a table for each format: ``{"slots": [[name, kind, depth, addresses, positional, emptied], ...],
"nodes": [[slots, object, array], ...], "objects": [[members, other, which], ...], "root": number}``.

``events.json`` is a list of ``[format, source, marks]``. The source is bytes, a character for each (latin-1). A mark is
``[slot, positions, begin, end, addresses]``. In place of the marks stands null if the source is no event, and in place
of the addresses if one is a fraction or a number of more than 18 digits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("python", "tests", "tests/support")]

from holdback.engine.bytes_cursor import read  # noqa: E402
from holdback.engine.marks import address_of  # noqa: E402
from holdback.formats import FORMATS  # noqa: E402
from wire_json import frames  # noqa: E402

VECTORS = ROOT / "tests" / "vectors"
FOLDER = VECTORS / "walk"
LONGEST = 1500
"""Larger events say nothing more."""


def table(name: str) -> dict[str, Any]:
    """The compiled shape of a format."""
    slots, nodes, objects, root = FORMATS[name].shapes().table()
    named = [[getattr(slot[0], "name", slot[0]), *slot[1:]] for slot in slots]
    return {"slots": named, "nodes": nodes, "objects": objects, "root": root}


def events() -> Iterator[list[Any]]:
    """What is found in each event of the vectors, once."""
    seen = set()
    for path in sorted((VECTORS / "wire").glob("*.json")):
        for vector in json.loads(path.read_text(encoding="ascii")):
            data = "".join(vector["chunks"]).encode("latin-1")
            for frame in frames(data, lines=vector["lines"]):
                source = frame.data
                if source and len(source) < LONGEST and (vector["format"], source) not in seen:
                    seen.add((vector["format"], source))
                    yield [vector["format"], source.decode("latin-1"), found(vector["format"], source)]


def found(name: str, source: bytes) -> list[Any] | None:
    """The marks in an event; None if it is none."""
    event = read(FORMATS[name].shapes(), source, natively=False)
    if event is None:
        return None
    return [
        [slot.number, list(at), *event.span(where), belongs_to(address_of(slot, at, event.addresses))]
        for slot, at, _, where in event.marks
    ]


def belongs_to(addresses: tuple[Any, ...]) -> list[Any] | None:
    """The addresses of a mark; None if one is a number that the crate takes for none."""
    is_odd = any(isinstance(one, float) or (isinstance(one, int) and abs(one) >= 10**18) for one in addresses)
    return None if is_odd else list(addresses)


def files() -> dict[str, str]:
    """The files by name."""
    lines = ",\n".join(json.dumps(event, ensure_ascii=True, separators=(",", ":")) for event in events())
    tables = {name: table(name) for name in FORMATS}
    return {
        "tables.json": json.dumps(tables, ensure_ascii=True, separators=(",", ":")) + "\n",
        "events.json": f"[\n{lines}\n]\n",
    }


def main() -> int:
    """Write the files, or compare them; 1 if something is not as it should be."""
    changed = 0
    for name, content in files().items():
        path = FOLDER / name
        if "--check" in sys.argv[1:]:
            is_changed = not path.exists() or path.read_text(encoding="ascii") != content
            print(*[f"{name} is not what this tool makes"] * is_changed)
            changed += is_changed
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="ascii", newline="\n")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main())
