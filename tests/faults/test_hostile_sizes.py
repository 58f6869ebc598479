"""Streams that nobody sends by accident. Everything comes out, once; memory stays small; work grows with the stream.

The sizes are for every day (`make test-faults`); the full ones are for `make test-heavy`, marked ``heavy``. Of a flood
the pure twin gets what it does in about the same time: 1/256 of the native one's text.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from holdback import (
    ChunkRestorer,
    EventTooLarge,
    HoldbackError,
    StreamingHandler,
    WireRestorer,
    _backend,
)
from hostile import MIB, event, through
from recorded import chunks_of, names
from streams import PAIRS, STOP, Upstream, call, events, heard, say
from wires import every

pytestmark = pytest.mark.faults
ON = SimpleNamespace(enabled=True)


# ---------------------------------------------------------------- deep


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a":"[\\"{', '"\\"'])
def test_arguments_without_a_bottom(opening: str, backend: str) -> None:
    source = opening * 50_000
    pieces = [source[at : at + 997] for at in range(0, len(source), 997)]
    out = heard(through("openai-chat", [*map(call, pieces), call('"<PERSON_2>"'), STOP]))
    assert out[0, "tool", 0].startswith(source)
    assert out[0, "tool", 0].count("Bo") == 1


def nested(depth: int) -> Any:
    node: Any = "<PERSON_2>"
    for _ in range(depth):
        node = {"a": [node]}
    return node


@pytest.mark.parametrize("depth", [100, 400, 5_000])
def test_a_chunk_without_a_bottom(depth: int, backend: str) -> None:
    """It passes where it is not looked at; the handler, which has to write it, says so if it cannot."""
    deep = {**say("a <PERSON_2>"), "vendor": nested(depth)}
    (leaving,) = ChunkRestorer(PAIRS).feed(deep)
    assert leaving["choices"][0]["delta"]["content"] == "a Bo"
    assert leaving["vendor"] is deep["vendor"]
    sent: list[str] = []
    message = ""

    async def read() -> None:
        async for data in StreamingHandler.stream_response(Upstream([say("b <PE"), deep]), PAIRS, ON):
            sent.append(data)  # noqa: PERF401 - what came before the error counts

    try:
        asyncio.run(read())
        said = events(sent)
    except HoldbackError as error:
        message = str(error)
        said = [json.loads(data[6:]) for data in sent]
    assert message in ("", "stream item 2 cannot be sent: dict has no JSON form")
    assert heard(said)[0, "content"].startswith("b ")


@pytest.mark.parametrize("depth", [100, 400, 50_000])
def test_an_event_without_a_bottom(depth: int, backend: str) -> None:
    """Whether it can be read or not: it passes, and so does what comes behind it."""
    data = event(say("a <PERS")) + b'data: {"x":' + b"[" * depth + b"]" * depth + b"}\n\n" + event(STOP)
    restorer = WireRestorer(PAIRS)
    out = b"".join(map(restorer.feed, every(data, 1 << 12))) + restorer.flush()
    assert data.split(b"\n\n")[1] in out.split(b"\n\n")
    said = [json.loads(piece[6:]) for piece in out.split(b"\n\n") if b"choices" in piece]
    assert heard(said)[0, "content"] == "a <PERS"


# ---------------------------------------------------------------- large


def test_keys_of_a_megabyte(backend: str) -> None:
    size = MIB // (1 if backend == "native" else 4)
    key, other = "<" + "K" * size + ">", "<" + "K" * size + "!"
    pairs = {key: "one", other: "two", "<K": "three"}
    matcher = _backend.TrieMatcher(pairs)
    assert matcher.longest == len(key)
    text = key[:-1] + "?" + key + other + key[:-1]
    stream = matcher.stream()
    pieces = [text[at : at + 65_521] for at in range(0, len(text), 65_521)]
    out = "".join(map(stream.feed, pieces))
    assert stream.pending == key[:-1]
    # Nothing but "<K" stands at the first "<", since no longer key goes on to the end.
    assert out + stream.flush() == "three" + "K" * (size - 1) + "?onetwo" + "three" + "K" * (size - 1)


@pytest.mark.parametrize("kind", ["event", "line"])
def test_a_line_of_fifty_megabytes(kind: str, backend: str) -> None:
    filler = "x" * (50 * MIB)
    text = f"<PERSON_2>{filler}<PERSON_2> <PERS"
    if kind == "event":
        data, end = event(say(text)), event(STOP)
    else:
        data = json.dumps({"model": "m", "message": {"content": text}, "done": True}).encode() + b"\n"
        end = b""
    restorer = WireRestorer(PAIRS, max_event_bytes=64 * MIB)
    out = b"".join(map(restorer.feed, every(data + end, 1 << 16))) + restorer.flush()
    expected = data.replace(b"<PERSON_2>", b"Bo")
    if kind == "event":  # what is held leaves with the end
        expected = expected.replace(b"<PERS", b"")
        assert heard([json.loads(out[len(expected) + 6 :])]) == {(0, "content"): "<PERS"}
        out = out[: len(expected)]
    is_equal = out == expected  # said so, nobody explains a difference of 50 MB
    assert is_equal


@pytest.mark.parametrize("size", [1 << 16, 1 << 30])
def test_a_line_of_fifty_megabytes_is_refused_and_nothing_is_lost(size: int, backend: str) -> None:
    before, line = event(say("a <PERS")), b"data: " + b"<" * (50 * MIB)
    restorer = WireRestorer(PAIRS, max_event_bytes=16 * MIB, oversized="raise")
    out = [restorer.feed(before)]
    reads = iter(every(line, size))
    with pytest.raises(EventTooLarge):
        out.extend(map(restorer.feed, reads))
    everything = b"".join([*out, restorer.flush(), *reads])
    assert everything.endswith(line)
    said = [json.loads(piece[6:]) for piece in everything.removesuffix(line).split(b"\n\n") if piece]
    assert heard(said)[0, "content"] == "a <PERS"


# ---------------------------------------------------------------- odd


ODD: list[Any] = [None, True, 0, -1, 1e400, float("nan"), 10**400, "", "<PERSON_2>", "\ud800", [], {}, [[]]]


ODD += [[None], {"a": 1}, {"": {}}, [{}], nested(30)]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Every place in a chunk."""
    yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in inner:
        yield from places(value, (*path, name))


def with_odd(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = with_odd(copy[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("name", names(""))
def test_an_odd_value_anywhere_passes(name: str) -> None:
    """A provider may send any JSON anywhere. No chunk raises, on objects or on bytes, nor does what comes behind."""
    chunks = chunks_of(name)
    seen = set()
    for number, chunk in enumerate(chunks):
        for path in places(chunk):
            shape = (chunk.get("type"), tuple(part for part in path if isinstance(part, str)))
            if shape in seen:  # one of a kind is enough
                continue
            seen.add(shape)
            for value in ODD[len(seen) % 3 :: 3]:  # a third of them each: neighbours get the others
                odd = with_odd(chunk, path, value)
                stream = [*chunks[max(0, number - 2) : number], odd, *chunks[number : number + 2]]
                restorer = ChunkRestorer(PAIRS, protocol="auto")
                for item in stream:
                    restorer.feed(item)
                restorer.flush()
                wire = WireRestorer(PAIRS)
                for item in stream:
                    wire.feed(json.dumps(item).encode() + b"\n" if "ollama" in name else event(item))
                wire.flush()
