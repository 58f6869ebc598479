"""Streams of every format and framing, judged by ``wire_oracle``; any cut, with the native lane and without.

``HOLDBACK_EXAMPLES=1000`` runs ten times as many examples as `make test` does.
"""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import pytest
from fuzz.wire import restored_in_every_way
from hypothesis import example, given
from hypothesis import strategies as st

import oracle
import wire_streams
from holdback import ChunkRestorer, DeanonymizationConfig, WireRestorer
from strategies import cuts, examples, pairs_and_text
from wire_cases import chunk, dumps, sse
from wire_json import BOM, frames
from wire_oracle import judge, restored_texts, texts, texts_of_chunks
from wire_spelling import hostile
from wire_streams import PAIRS, PROTOCOLS, invented
from wire_ways import LANES, in_every_way, lanes, made, maker
from wires import every, pieces

SEEDS = st.integers(0, 2**32)
MOST = st.integers(0, 60)
CONTENTS = st.sampled_from(["auto", "auto", "text", "json"])


def kinds() -> list[Any]:
    return [
        pytest.param(protocol, breadth == "wide", id=f"{protocol}-{breadth}")
        for protocol in PROTOCOLS
        for breadth in ("quiet", "wide")
    ]


every_kind = pytest.mark.parametrize(("protocol", "wide"), kinds())


def lines_of(rng: Random, protocol: str, *, wide: bool) -> bool:
    """The framing: the format's own, in a wide stream the other one as well."""
    return (protocol == "ollama") != (wide and rng.random() < 0.2)


@every_kind
@examples(0.12)
@given(seed=SEEDS, most=MOST, content=CONTENTS)
def test_a_stream_is_restored(
    backend: str, protocol: str, wide: bool, seed: int, most: int, content: Any
) -> None:
    rng = Random(seed)
    stream = invented(rng, protocol, lines=lines_of(rng, protocol, wide=wide), wide=wide, most=most)
    result = in_every_way(maker(PAIRS, protocol=protocol, content=content), stream.data, rng, bytewise=1500)
    assert not result.error
    judge(stream.data, result.data, PAIRS, protocol, lines=stream.lines, content=content)


@every_kind
@examples(0.08)
@given(seed=SEEDS, most=MOST, content=CONTENTS)
def test_what_can_leave_has_left(
    backend: str, protocol: str, wide: bool, seed: int, most: int, content: Any
) -> None:
    """Behind every frame: no text is withheld that can no longer become a placeholder."""
    rng = Random(seed)
    stream = invented(rng, protocol, lines=lines_of(rng, protocol, wide=wide), wide=wide, most=most)
    found = [frame.bytes for frame in frames(stream.data, lines=stream.lines) if frame.is_complete]
    count = rng.randint(0, len(found))
    while not wide and count and found[count - 1].removeprefix(BOM).startswith(b":"):  # a comment waits today
        count -= 1
    for lane in lanes():
        restorer = made(PAIRS, {"protocol": protocol, "content": content}, lane)
        out = b"".join(map(restorer.feed, found[:count]))
        judge(
            b"".join(found[:count]),
            out,
            PAIRS,
            protocol,
            lines=stream.lines,
            content=content,
            is_ended=False,
        )


@every_kind
@examples(0.1)
@given(seed=SEEDS, most=MOST, content=CONTENTS)
@example(
    seed=1800531, most=17, content="auto"
)  # a text that is restored to nothing, and another behind its end
def test_chunks_say_what_bytes_say(
    backend: str, protocol: str, wide: bool, seed: int, most: int, content: Any
) -> None:
    rng = Random(seed)
    events = invented(rng, protocol, lines=False, wide=wide, most=most).events
    data = "".join(json.dumps(event) + "\n" for event in events).encode()
    if protocol != "ollama":
        data = sse(*events)
    lines = protocol == "ollama"
    expected = restored_texts(data, PAIRS, protocol, lines=lines, content=content)
    config = DeanonymizationConfig(content=content)
    before = copy.deepcopy(events)
    chunks = ChunkRestorer(PAIRS, config, protocol=protocol)
    out = [leaving for event in events for leaving in chunks.feed(event)] + chunks.flush()
    assert events == before, "the caller's chunks were changed"
    assert texts_of_chunks(out, protocol) == expected
    wire = WireRestorer(PAIRS, config, protocol=protocol)
    assert texts(wire.feed(data) + wire.flush(), protocol, lines=lines) == expected


@examples(0.5)
@given(case=pairs_and_text(), data=st.data())
def test_any_keys(backend: str, case: tuple[dict[str, str], str], data: st.DataObject) -> None:
    """Keys that overlap in every way, in a channel of text."""
    pairs, text = case
    content = data.draw(st.sampled_from(["text", "json"]))  # keys in the beginning of a document have vectors
    events = [chunk({"content": piece}) for piece in data.draw(cuts(text))]
    escaped = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode("ascii")
    body = escaped if data.draw(st.booleans()) else "".join(f"data: {dumps(event)}\n\n" for event in events)
    if isinstance(body, str):
        try:
            body = body.encode()
        except UnicodeEncodeError:  # a lone surrogate
            body = escaped
    result = in_every_way(
        maker(pairs, protocol="openai-chat", content=content), body, Random(repr(text)), bytewise=600
    )
    if pairs:
        judge(body, result.data, pairs, "openai-chat", content=content)
    else:
        assert result.data == body


@examples(0.2)
@given(seed=SEEDS, protocol=st.sampled_from(["anthropic", "openai-responses"]))
def test_signed_text_is_restored_on_demand_only(backend: str, seed: int, protocol: str) -> None:
    rng = Random(seed)
    stream = invented(rng, protocol, lines=False, wide=False)
    config = DeanonymizationConfig(reasoning=True)
    for signed in (False, True):
        restorer = WireRestorer(PAIRS, config if signed else None, protocol=protocol)
        out = restorer.feed(stream.data) + restorer.flush()
        expected = restored_texts(stream.data, PAIRS, protocol, signed=signed)
        assert texts(out, protocol, signed=signed) == expected


@examples(0.3)
@given(seed=SEEDS, protocol=st.sampled_from(list(PROTOCOLS)))
def test_without_placeholders_the_bytes_stay(backend: str, seed: int, protocol: str) -> None:
    rng = Random(seed)
    stream = invented(rng, protocol, lines=protocol == "ollama")
    absent = {"☃": "snow"}  # in source the beginning of any escape waits
    has_source = protocol not in ("openai-text", "gemini", "ollama")
    for pairs in ({}, None, *([] if has_source else [absent])):
        result = in_every_way(maker(pairs, protocol=protocol, content="text"), stream.data, rng, bytewise=300)
        assert result.data == stream.data


@examples(0.6)
@given(seed=SEEDS, protocol=st.sampled_from(list(PROTOCOLS)), known=st.booleans(), size=st.integers(0, 60))
def test_the_twins_in_lockstep_after_accidents(seed: int, protocol: str, known: bool, size: int) -> None:
    """Bytes that are no stream of any format any more: whatever is made of them, it is the same in every way."""
    rng = Random(seed)
    stream = invented(rng, protocol, lines=rng.random() < 0.2, most=12).data
    options = {"protocol": protocol if known else "auto"}
    restored_in_every_way(hostile(rng, stream), PAIRS, options, size)


def test_the_streams_have_what_they_are_for() -> None:
    """Placeholders cut in two, several channels, and every format."""
    for protocol in wire_streams.PROTOCOLS:
        streams = [invented(Random(seed), protocol, lines=protocol == "ollama") for seed in range(60)]
        channels = [restored_texts(one.data, PAIRS, protocol, lines=one.lines) for one in streams]
        assert sum(len(one) > 1 for one in channels) > 10
        said = [texts(one.data, protocol, lines=one.lines) for one in streams]
        whole = sum(
            one[key] != text
            for one, those in zip(channels, said, strict=True)
            for key, text in those.items()
            if key in one
        )
        assert whole > 20
        assert any(oracle.restore(PAIRS, text) != text for one in said for text in one.values())


PIECES = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b'"a":',
    b'"x"',
    b",",
    b":",
    b"\n",
    b"\r\n",
    b" ",
    b"\\",
    b'{"a":1}',
    b"1",
    b"[DONE]",
    b"data: ",
    b"junk",
    b"{\n",
    b"\xef\xbb\xbf",
    b": ping\n",
    b"\n\n",
    b'{"choices":[{"index":0,"delta":{"content":"<P_',
    b'1>"}}]}',
    b'{"choices":\n[{"index":0,"delta":{"content":"<P_1"}}]}',
    b'{\n"type":"message","content":[{"type":"text","text":"<P_1>"}]}',
)


@given(
    tokens=st.lists(st.sampled_from(PIECES), max_size=14),
    protocol=st.sampled_from(["auto", "openai-chat", "anthropic"]),
    limit=st.sampled_from([30, 64 << 20]),
    marks=st.lists(st.integers(0, 200), max_size=5),
)
@example([b"\n", b"\xef\xbb\xbf", *PIECES[-2:]], "auto", 30, [1])
@example([b":", b'{"a":1}', b"junk", b"junk", b"\n", b'{"a":1}'], "auto", 30, [])
@example([b"[", b",", b'{"a":1}'], "auto", 30, [2])
@example([b"{\n", b"}", b"junk", b"[DONE]", PIECES[-1], b"  "], "auto", 30, [])
def test_pieces_of_json_and_of_events_in_any_framing(
    tokens: list[bytes], protocol: str, limit: int, marks: list[int]
) -> None:
    """Broken ones above all: the same at every cut and on every way, counts included, and nothing is lost."""
    data = b"".join(tokens)
    seen = set()
    for reads in ([data], pieces(data, [mark for mark in marks if mark < len(data)]), every(data, 1)):
        for lane in LANES:
            restorer = WireRestorer({"<P_1>": "Ada"}, protocol=protocol, max_event_bytes=limit, **lane)
            out = b"".join(map(restorer.feed, reads)) + restorer.flush()
            seen.add((out, restorer.protocol, restorer.understood, restorer.report.as_json()))
    assert len(seen) == 1
    if b"<P_" not in data:
        assert seen.pop()[0] == data
