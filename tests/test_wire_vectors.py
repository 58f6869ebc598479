"""``tests/vectors/wire/*.json`` on both twins, cut in every way, with the native lane and without.

``tools/wire_vectors.py`` makes the files and tells what they say; the Rust core reads them too.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import wire_vectors
from holdback import HoldbackError
from thorough import some, thorough
from wire_ways import in_every_way, lanes, made, maker

FOLDER = Path(__file__).parent / "vectors" / "wire"
FILES = sorted(path.name for path in FOLDER.glob("*.json"))
VECTORS: dict[str, dict[str, Any]] = {
    f"{file.removesuffix('.json')}-{vector['name'].encode('unicode_escape').decode()}": vector
    for file in FILES
    for vector in json.loads((FOLDER / file).read_text(encoding="ascii"))
}


def each(vectors: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors.values(), ids=vectors.keys())


every_vector = each(VECTORS)


def raw(text: str) -> bytes:
    return text.encode("latin-1")


def test_the_files_are_what_the_tool_makes() -> None:
    contents, rejected = wire_vectors.files()
    assert not rejected, "rejected by the judge: `python tools/wire_vectors.py --why`"
    there = {path.name: path.read_text(encoding="ascii") for path in FOLDER.glob("*.json")}
    assert there.keys() == contents.keys()
    changed = [name for name in contents if contents[name] != there[name]]
    assert not changed, "write them anew: `python tools/wire_vectors.py`"


@thorough
@every_vector
def test_what_each_read_gives(backend: str, vector: dict[str, Any]) -> None:
    chunks = list(map(raw, vector["chunks"]))
    feeds = list(map(raw, vector["feeds"]))
    for lane in lanes():
        restorer = made(dict(vector["pairs"]), vector["options"], lane)
        for chunk, expected in zip(chunks, feeds, strict=False):
            assert restorer.feed(chunk) == expected, lane
        if vector["raises"]:
            with pytest.raises(HoldbackError) as caught:
                restorer.feed(chunks[len(feeds)])
            assert type(caught.value).__name__ == vector["raises"]
        else:
            assert len(feeds) == len(chunks)
        assert restorer.flush() == raw(vector["flush"]), lane
        assert restorer.flush() == b""
        assert restorer.protocol == vector["protocol"]


@thorough
@every_vector
def test_any_cut(backend: str, vector: dict[str, Any]) -> None:
    """Where an error comes, what leaves before it and behind it is the same all the same, joined with the rest."""
    data = b"".join(map(raw, vector["chunks"]))
    result = in_every_way(maker(dict(vector["pairs"]), **vector["options"]), data, Random(vector["name"]))
    fed = len(vector["feeds"]) + bool(vector["raises"])
    rest = b"".join(map(raw, vector["chunks"][fed:]))
    assert result.data == b"".join(map(raw, [*vector["feeds"], vector["flush"]])) + rest
    assert result.error.partition(":")[0] == (vector["raises"] or "")
    assert result.protocol == vector["protocol"]


# An error ends the reading: there the cut decides what was fed.
@thorough
@each({name: vector for name, vector in VECTORS.items() if not vector["raises"]})
def test_every_single_cut(backend: str, vector: dict[str, Any]) -> None:
    """One cut: at every place of a short stream and at places all over a long one, of which a quick run takes some.

    Which ones differs from vector to vector.
    """
    data = b"".join(map(raw, vector["chunks"]))
    make = maker(dict(vector["pairs"]), **vector["options"])
    whole = make(lanes()[0])
    step = max(1, len(data) // 60, len(data) ** 2 // 200_000)
    expected = whole.feed(data) + whole.flush()
    for lane in lanes():
        for at in some(range(1, len(data), step), 6, first=len(data)):
            restorer = make(lane)
            assert restorer.feed(data[:at]) + restorer.feed(data[at:]) + restorer.flush() == expected, at
