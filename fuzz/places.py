"""Target ``places``: a text that is restored with its places minded, cut anywhere, on both twins.

The text is judged in pieces, whole, and character by character; behind every piece all must say the same of a few
values. As JSON source it is judged as well. That what they say is right, renderers say: ``make test-renderers``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from fuzz import cases
from fuzz.cases import Case
from holdback import _backend
from holdback.engine.addresses import parse_host
from holdback.engine.json_places import JsonPlaces
from holdback.engine.places import Places

INPUTS = "texts"
LONGEST = 400
LISTS = Path(__file__).resolve().parent.parent / "tests" / "places"
HOSTS = tuple(
    host for host in map(parse_host, ("example.org", "*.example.org", "e.com/a/")) if host is not None
)
VALUES = ("Ada", "ada@example.org", "+44 20", "https://example.org/", "../a", "a\tb", "")
TWINS: list[tuple[Any, Any]] = [(Places, JsonPlaces)]
if _backend.BACKEND == "native":
    native: Any = importlib.import_module("holdback._native")
    TWINS.append((native.Places, native.JsonPlaces))


def seeds() -> Iterator[tuple[str, bytes]]:
    yield from cases.from_vectors()
    for name in ("attacks", "harmless"):
        for number, case in enumerate(json.loads((LISTS / f"{name}.json").read_text(encoding="ascii"))):
            text = case["text"].replace("§", "<1>")
            yield f"{name}-{number}", cases.write(Case([("<1>", "Ada")], [text[:5], text[5:]], json=False))


def check(data: bytes) -> None:
    """Raises if what is said of a text depends on the twin or on the cut."""
    case = cases.read(data)
    for is_json in (False, True):
        whole = [places(HOSTS) for places in (pair[is_json] for pair in TWINS)]
        pieces = [type(places)(HOSTS) for places in whole]
        single = [type(places)(HOSTS) for places in whole]
        for places in whole:
            places.feed(case.text)
        for piece in case.pieces:
            for places in pieces:
                places.feed(piece)
            for places in single:
                for character in piece:
                    places.feed(character)
            said = [says(places) for places in (*pieces, *single)]
            assert said == said[:1] * len(said), "behind a piece"
        said = [says(places) for places in (*whole, *pieces)]
        assert said == said[:1] * len(said), "at the end"


PIECES = [
    *(
        b" ",
        b"\n",
        b"\n\n",
        b"<",
        b">",
        b"/",
        b"\\",
        b'"',
        b"'",
        b"(",
        b")",
        b"[",
        b"]",
        b":",
        b"!",
        b"=",
        b".",
        b"?",
        b"#",
    ),
    *(
        b"http://",
        b"https://example.org/",
        b"a.example.org",
        b"www.",
        b"mailto:",
        b"tel:",
        b"](",
        b"](<",
        b"url(",
    ),
    *(
        b"[a]: ",
        b"[^1]: ",
        b"<a href=",
        b"<!--",
        b"-->",
        b"<script>",
        b"</script>",
        b"<style>",
        b"\\u003a",
        b"%2e",
    ),
]


def mutate(data: bytes, rng: Random) -> bytes:
    """Put something that may begin or end an address somewhere into the text."""
    at = rng.randint(data.rfind(cases.BORDER) + 1, len(data))
    return data[:at] + rng.choice(PIECES) + data[at:]


def says(places: Any) -> tuple[bool, str | None, list[bool]]:
    return places.in_address, getattr(places, "address", None), [places.keeps(value) for value in VALUES]
