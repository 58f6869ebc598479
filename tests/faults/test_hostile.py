"""Streams that nobody sends by accident. Everything comes out, once; memory stays small; work grows with the stream.

The sizes are for every day (`make test-faults`); the full ones are for `make test-heavy`, marked ``heavy``. Of a flood
the pure twin gets what it does in about the same time: 1/256 of the native one's text.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import oracle
from faults.memory import kept, peak
from holdback import (
    ChunkRestorer,
    WireRestorer,
    _backend,
    aio,
    sync,
)
from holdback.engine.answer import MOST_CHANNELS
from hostile import KIB, MIB, event, through
from streams import PAIRS, STOP, call, heard, say
from wires import every

pytestmark = pytest.mark.faults
FULL = pytest.mark.parametrize(
    "full", [False, pytest.param(True, marks=pytest.mark.heavy)], ids=["daily", "full"]
)
SLOWDOWN = {"native": 1, "pure": 256}


# ---------------------------------------------------------------- floods


@FULL
def test_a_gigabyte_of_openers(full: bool, backend: str) -> None:
    piece = "<" * (4 * KIB)
    size = (1024 if full else 32) * MIB // SLOWDOWN[backend]
    stream = _backend.TrieMatcher(PAIRS).stream()

    def work() -> None:
        assert stream.feed(piece) == piece[1:]
        for _ in range(size // len(piece) - 1):
            assert stream.feed(piece) == piece

    assert peak(work) < MIB
    assert stream.pending == "<"
    assert stream.flush() == "<"


@FULL
@pytest.mark.parametrize("kind", ["aio", "sync"])
def test_a_gigabyte_of_openers_as_bytes(kind: str, full: bool, backend: str) -> None:
    size = 64 * KIB if backend == "native" else 4 * KIB
    piece = event(say("<" * size))
    count = (1024 if full else 8) * MIB // SLOWDOWN[backend] // size
    seen = 0

    def work() -> None:
        nonlocal seen
        source = (piece for _ in range(count))
        if kind == "sync":
            for data in sync.restore_bytes(source, PAIRS):
                seen += data.count(b"<")
            return

        async def read() -> None:
            nonlocal seen

            async def upstream() -> Any:
                for data in source:
                    yield data

            async for data in aio.restore_bytes(upstream(), PAIRS):
                seen += data.count(b"<")

        asyncio.run(read())

    assert peak(work) < 4 * MIB
    assert seen == count * size


@pytest.mark.parametrize("text", ["\0", "\0\0<", "<PERSON_1\0>", "\ud83d"], ids=ascii)
def test_a_flood_of_nothing(text: str, backend: str) -> None:
    pairs = {**PAIRS, "\0\0\0": "three", "<\0>": "\0"}
    whole = text * (64 * KIB // len(text))
    stream = _backend.TrieMatcher(pairs).stream()
    out = "".join(stream.feed(whole[at : at + 1000]) for at in range(0, len(whole), 1000)) + stream.flush()
    assert out == oracle.restore(pairs, whole)
    chunks = [say(whole[at : at + 1000]) for at in range(0, len(whole), 1000)]
    restorer = WireRestorer(pairs)
    data = b"".join(map(restorer.feed, map(event, chunks))) + restorer.flush()
    said = heard(json.loads(line[6:]) for line in data.split(b"\n\n") if line)
    assert said[0, "content"] == out


def test_raw_nuls_on_the_wire_pass(backend: str) -> None:
    data = b"data: {\0\n\n\0\0\ndata: \0\n\n" + event(say("<PERSON_2>\0")) + b"\0" * 1000
    restorer = WireRestorer(PAIRS, protocol="openai-chat")
    out = b"".join(map(restorer.feed, every(data, 7))) + restorer.flush()
    assert out == data.replace(b"<PERSON_2>", b"Bo")


# ---------------------------------------------------------------- many channels


@FULL
def test_a_hundred_thousand_choices(full: bool, backend: str) -> None:
    """As many as there may be hold text back until the end, and then say it, in order; further ones pass."""
    count = 100_000 if full else 20_000
    restorer = ChunkRestorer(PAIRS)
    for number in range(MOST_CHANNELS):
        assert restorer.feed(say("Hi <PERS", index=number)) == [say("Hi ", index=number)]
    for number in range(MOST_CHANNELS, count):
        assert restorer.feed(say("<PERSON_2>", index=number)) == [say("<PERSON_2>", index=number)]
    tails = restorer.flush()
    assert [(tail["choices"][0]["index"], tail["choices"][0]["delta"]) for tail in tails] == [
        (number, {"content": "<PERS"}) for number in range(MOST_CHANNELS)
    ]


@FULL
def test_a_hundred_thousand_choices_in_one_event(full: bool, backend: str) -> None:
    count = 100_000 if full else 10_000
    choices = [{"index": number, "delta": {"content": "<PERSON_2> <PERS"}} for number in range(count)]
    chunk = {**STOP, "choices": choices}
    (leaving,) = ChunkRestorer(PAIRS).feed(chunk)
    said = [choice["delta"]["content"] for choice in leaving["choices"]]
    assert said == ["Bo "] * MOST_CHANNELS + ["<PERSON_2> <PERS"] * (count - MOST_CHANNELS)
    data = event(chunk)
    restorer = WireRestorer(PAIRS)
    assert restorer.feed(data) == data.replace(b"<PERSON_2> <PERS", b"Bo ", MOST_CHANNELS)
    assert restorer.flush().count(b'"<PERS"') == MOST_CHANNELS


@pytest.mark.parametrize("kind", ["text", "finish"])
def test_what_is_kept_of_choices_has_a_limit(kind: str, backend: str) -> None:
    """Of choices that are more than may be, nothing is kept, whether they say something or only finish."""
    restorer = ChunkRestorer(PAIRS)
    for number in range(MOST_CHANNELS + 100):
        chunk = (
            say("Hi", index=number)
            if kind == "text"
            else {**STOP, "choices": [{**STOP["choices"][0], "index": number}]}
        )
        assert restorer.feed(chunk) == [chunk]
    answer = restorer._answer
    assert answer is not None
    assert len(answer) == MOST_CHANNELS


def of_chat(count: int) -> Iterable[Any]:
    yield from (say("<PERS", index=number) for number in range(count))
    yield from ({**STOP, "choices": [{**STOP["choices"][0], "index": number}]} for number in range(count))


def of_calls(count: int) -> Iterable[Any]:
    yield from (call('{"a": "<PERS', number, id=str(number)) for number in range(count))
    yield STOP


def of_items(count: int) -> Iterable[Any]:
    for kind in ("delta", "done"):
        for number in range(count):
            ids = {"item_id": str(number), "output_index": number, "content_index": 0}
            yield {"type": f"response.output_text.{kind}", **ids, "delta": "<PERS", "text": "<PERS"}


def of_parts(count: int) -> Iterable[Any]:
    for kind in ("delta", "done"):
        for number in range(count):
            ids = {"item_id": "i", "output_index": 0, "content_index": number}
            yield {"type": f"response.output_text.{kind}", **ids, "delta": "<PERS", "text": "<PERS"}


def of_whole_items(count: int) -> Iterable[Any]:
    yield from of_items(count)
    for number in range(count):
        item = {"type": "message", "id": str(number), "content": []}
        yield {"type": "response.output_item.done", "output_index": number, "item": item}


def of_blocks(count: int) -> Iterable[Any]:
    for number in range(count):
        delta = {"type": "text_delta", "text": "<PERS"}
        yield {"type": "content_block_delta", "index": number, "delta": delta}
    yield from ({"type": "content_block_stop", "index": number} for number in range(count))


def of_candidates(count: int) -> Iterable[Any]:
    for finish in (None, "STOP"):
        for number in range(count):
            said = {"parts": [] if finish else [{"text": "<PERS"}]}
            yield {"candidates": [{"content": said, "index": number, "finishReason": finish}]}


MANY: dict[str, tuple[str, Callable[[int], Iterable[Any]]]] = {
    "choices": ("openai-chat", of_chat),
    "calls": ("openai-chat", of_calls),
    "items": ("openai-responses", of_items),
    "parts": ("openai-responses", of_parts),
    "whole items": ("openai-responses", of_whole_items),
    "blocks": ("anthropic", of_blocks),
    "candidates": ("gemini", of_candidates),
}


def calls_made(work: Callable[[], object]) -> int:
    """How many functions are called by some work: a measure that no other load on the machine changes."""
    count = 0

    def profile(frame: Any, kind: str, argument: Any) -> None:
        nonlocal count
        count += kind in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_work_grows_with_the_lines_of_an_event(backend: str) -> None:
    """Each line is its own ``data`` line, and holds a value to restore."""

    def work(count: int) -> Callable[[], object]:
        lines = 'data:"<PERSON_1>",\n' * count
        event = f'data: {{"choices":[{{"index":0,"delta":{{"content":[\n{lines}data:""]}}}}]}}\n\n'.encode()
        return lambda: WireRestorer(PAIRS, protocol="openai-chat").feed(event)

    work(3)()  # what is made at first use is made
    assert calls_made(work(400)) < 2.5 * calls_made(work(200))


@pytest.mark.parametrize("spelled", ["content", "cont\\u0065nt"])
def test_work_grows_with_the_values_of_an_event(spelled: str, backend: str) -> None:
    def work(count: int) -> Callable[[], object]:
        choices = ",".join(
            f'{{"index":{n},"delta":{{"role":"assistant","{spelled}":"<PERSON_1>"}}}}' for n in range(count)
        )
        event = f'data: {{"choices":[{choices}]}}\n\n'.encode()
        return lambda: WireRestorer(PAIRS, protocol="openai-chat").feed(event)

    work(3)()
    assert calls_made(work(400)) < 2.5 * calls_made(work(200))


@pytest.mark.parametrize("name", MANY)
def test_work_grows_with_the_stream_not_with_what_is_open(name: str, backend: str) -> None:
    protocol, make = MANY[name]

    def work(count: int) -> Callable[[], object]:
        chunks = list(make(count))
        return lambda: through(protocol, chunks)

    work(3)()  # what is compiled at first use is compiled
    assert calls_made(work(400)) < 2.5 * calls_made(work(200))


@pytest.mark.parametrize("name", MANY)
def test_many_channels_lose_nothing_and_are_forgotten(name: str, backend: str) -> None:
    protocol, make = MANY[name]
    chunks = list(make(300))
    said = json.dumps(through(protocol, chunks)).count('<PERS"')
    assert said == json.dumps(chunks).count('<PERS"')
    assert kept(lambda: through(protocol, chunks), times=4) < 64 * KIB


@pytest.mark.parametrize("name", ["blocks"])
def test_an_endless_stream_forgets_what_closed(name: str) -> None:
    """Nothing is left of channels that the provider closed, long before the stream does."""
    protocol, make = MANY[name]
    restorer = ChunkRestorer(PAIRS, protocol=protocol)
    for chunk in make(50):
        restorer.feed(chunk)
    assert restorer._answer is not None
    assert len(restorer._answer) == 0
    assert restorer._lane is not None
    assert restorer._lane._channels == {}
    assert restorer._lane._registered == {}
