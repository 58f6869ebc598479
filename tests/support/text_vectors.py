"""``tests/vectors/*.json`` read: for each feed of a text what it returns, what stays pending, what flush returns.

The Rust core reads the same files (``cargo test``). A file is a JSON array of objects in ASCII::

    {"name": str, "json": bool, "pairs": [[key, original], ...], "chunks": [str, ...],
     "feeds": [str, ...], "pending": [str, ...], "flush": str}

with one entry of ``feeds`` and ``pending`` per chunk. Strings may hold lone surrogates.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "vectors"


class Vector(TypedDict):
    name: str
    json: bool
    pairs: list[tuple[str, str]]
    chunks: list[str]
    feeds: list[str]
    pending: list[str]
    flush: str


def load(file: str) -> list[Vector]:
    vectors: list[Vector] = json.loads((FOLDER / file).read_text(encoding="ascii"))
    return vectors


FILES = sorted(path.name for path in FOLDER.glob("*.json"))
EVERY = [
    pytest.param(
        vector, id=f"{file.removesuffix('.json')}-{vector['name'].encode('unicode_escape').decode()}"
    )
    for file in FILES
    for vector in load(file)
]
