"""What docs/formats.md says is restored where: the page and the protocols agree, in both directions.

The tables are made from the modules' data, and the page must hold them as they are made. Much of what a protocol reads
is code, though. So every place is tried: text there is restored. And every string of every recorded event is tried as
well: what is restored has its place in a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import wire_tables
from holdback import ChunkRestorer, DeanonymizationConfig, restore_answer
from holdback.formats import FORMATS
from holdback.formats.gemini import snake
from recorded import Chunk, chunks_of, names
from wire_tables import ANSWERS, EACH, JSON, SIGNED, STREAMS, Place, Steps, Type, places

KEY = "<HERE_1>"  # which no recording has
PAIRS = {KEY: 'Ada "Countess"'}
CAME = {JSON: '{"to":"<HERE_1>"}'}
LEAVES = {JSON: '{"to":"Ada \\"Countess\\""}'}
ALL = DeanonymizationConfig(reasoning=True)


def spelled(place: Place) -> str:
    return f"{place.event} {wire_tables.path_of(place.steps)} {wire_tables.types_of(place.steps)}"


def built(steps: Steps, value: Any) -> Any:
    """A chunk that says ``value`` in that place and nothing else."""
    if not steps:
        return value
    step, rest = steps[0], built(steps[1:], value)
    if isinstance(step, Type):
        return {step.member: step.name == "true" or step.name, **rest} if step.name else rest
    if step == EACH:
        return [rest]
    if step == "partialArgs":  # a piece of an argument that does not say of which is read by nobody
        rest[0]["jsonPath"] = "$.to"
    return {step: rest}


def chunk_with(place: Place, value: str) -> Chunk:
    chunk: Chunk = built(place.steps, value)
    return {"type": place.event, **chunk} if place.event else chunk


def at(place: Place, chunk: Any) -> Any:
    """What stands in that place."""
    for step in place.steps:
        chunk = chunk if isinstance(step, Type) else chunk[0] if step == EACH else chunk[step]
    return chunk


def in_sdk_spelling(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(name): in_sdk_spelling(inner) for name, inner in value.items()}
    return [in_sdk_spelling(inner) for inner in value] if isinstance(value, list) else value


def test_the_page_has_the_tables_of_the_modules() -> None:
    page = wire_tables.PAGE.read_text(encoding="utf-8")
    assert page == wire_tables.with_tables(page), "run tools/wire_tables.py"


def test_every_protocol_has_its_section_and_tables() -> None:
    page = wire_tables.PAGE.read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"\n## {name}\n" in page
    assert list(STREAMS) == list(ANSWERS) == list(FORMATS)


@pytest.mark.parametrize("protocol", list(FORMATS))
def test_what_a_table_names_is_restored_in_a_stream(protocol: str) -> None:
    for place in places(STREAMS[protocol]):
        came, leaves = CAME.get(place.leaf, KEY), LEAVES.get(place.leaf, PAIRS[KEY])
        chunk = chunk_with(place, came)
        assert at(place, ChunkRestorer(PAIRS, ALL, protocol=protocol).feed(chunk)[-1]) == leaves, spelled(
            place
        )
        [left] = ChunkRestorer(PAIRS, protocol=protocol).feed(chunk)
        assert at(place, left) == (came if place.leaf is SIGNED else leaves), spelled(place)


@pytest.mark.parametrize("protocol", list(FORMATS))
def test_what_a_table_names_is_restored_in_a_whole_answer(protocol: str) -> None:
    for place in places({"": ANSWERS[protocol]}):
        came, leaves = CAME.get(place.leaf, KEY), LEAVES.get(place.leaf, PAIRS[KEY])
        answer = chunk_with(place, came)
        assert at(place, restore_answer(answer, PAIRS, ALL, protocol=protocol)) == leaves, spelled(place)
        left = restore_answer(answer, PAIRS, protocol=protocol)
        assert at(place, left) == (came if place.leaf is SIGNED else leaves), spelled(place)


def test_gemini_is_read_in_the_spelling_of_the_sdk() -> None:
    for place in places(STREAMS["gemini"]):
        chunk = in_sdk_spelling(chunk_with(place, CAME.get(place.leaf, KEY)))
        [left] = ChunkRestorer(PAIRS, protocol="gemini").feed(chunk)
        assert KEY not in json.dumps(left), spelled(place)


# ---------------------------------------------------------------- the other direction


def strings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where strings stand in a value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from strings(inner, (*path, position))


def put(value: Any, path: tuple[str | int, ...], text: str) -> Any:
    if not path:
        return text
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], text)
    return copy


def is_at(place: Place, chunk: Chunk, path: tuple[str | int, ...]) -> bool:
    """Whether ``path`` in a chunk is that place, or inside of it where a document stands there as a value."""
    if place.event and chunk.get("type") != place.event:
        return False
    node: Any = chunk
    rest = list(path)
    for step in place.steps:
        if isinstance(step, Type):
            value = node.get(step.member, "")
            if step.name != ("true" if value is True else value if isinstance(value, str) else ""):
                return False
        elif not rest or (rest[0] != step and not (step == EACH and isinstance(rest[0], int))):
            return False
        else:
            node = node[rest.pop(0)]
    return not rest or place.leaf is JSON


@pytest.mark.parametrize("protocol", list(FORMATS))
def test_what_is_restored_in_a_recording_has_its_place_in_a_table(protocol: str) -> None:
    table = places(STREAMS[protocol])
    tried: set[tuple[Any, ...]] = set()
    restored = 0
    for chunk in (chunk for name in names(protocol) for chunk in chunks_of(name)):
        for path in strings(chunk):
            alike = tuple(0 if isinstance(step, int) else step for step in path)
            what = (chunk.get("type"), alike, str([*chunk_types(chunk, path)]))
            if path == ("type",) or what in tried:
                continue
            tried.add(what)
            changed = put(chunk, path, KEY)
            leaving = ChunkRestorer(PAIRS, ALL, protocol=protocol).feed(changed)
            was_restored = "Countess" in json.dumps(leaving)
            named = any(is_at(place, changed, path) for place in table)
            assert was_restored == named, f"{chunk.get('type', '')} {path}"
            restored += was_restored
    assert restored
    assert restored < len(tried)


def chunk_types(chunk: Any, path: tuple[str | int, ...]) -> Iterator[Any]:
    """The types of the nodes on the way."""
    for step in path:
        if isinstance(chunk, dict):
            yield chunk.get("type")
        chunk = chunk[step]
