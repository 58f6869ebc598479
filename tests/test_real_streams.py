"""The kinds of faults R1 to R19, but R13, through every entry point: the table is ``tests/support/real_streams.py``."""

from __future__ import annotations

import gzip
import importlib
import json
import zlib
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any
from zlib import crc32

import pytest

import oracle
from entry_points import (
    BYTE_WAYS,
    CHUNK_WAYS,
    HTTP_WAYS,
    TYPES,
    Asked,
    decoded,
    encoded,
    marked,
    reads_of,
)
from holdback import ChunkRestorer, DeanonymizationConfig, WireRestorer, restore_answer
from holdback.errors import EncodedInput
from holdback.formats import FORMATS
from real_streams import CUTS, KINDS, Make
from speakers import ANSWERS, PAIRS, SPEAKERS, TEXT, Case, Speaker, found
from thorough import some, thorough
from wire_ways import lanes
from wires import ROOT

ON = DeanonymizationConfig(reasoning=True)
SAID = oracle.restore(PAIRS, TEXT)
EVERY = [
    pytest.param(text, make, id=f"{kind} {name}")
    for kind, named in KINDS.items()
    for name, (text, make) in named.items()
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
EVERY_CASE = pytest.mark.parametrize(("text", "make"), EVERY)


def of_kind(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("text", "make"), [pytest.param(text, make, id=name) for name, (text, make) in KINDS[kind].items()]
    )


def asked(case: Case, framing: str = "events", **more: Any) -> Asked:
    headers = (("content-type", TYPES[framing]),)
    return Asked(PAIRS, case.protocol, case.signed, case.limit, headers=headers)._replace(**more)


def data_of(case: Case, framing: str) -> bytes:
    return case.raw or encoded(case.events, framing)


def some_of(kind: str, asker: str) -> Sequence[tuple[str, tuple[str, Make]]]:
    """Of the cases of a kind a share, another one for each of those who ask: together they take them all."""
    return some(list(KINDS[kind].items()), 4, first=crc32(asker.encode()))


def test_the_table_has_every_kind() -> None:
    assert sorted(KINDS) == sorted(f"R{number}" for number in range(1, 20) if number != 13)


ENGINE = ("WireRestorer", "WireRestorer without lane")


def engine() -> Sequence[str]:
    """The ways of the engine that tell something on the twin that runs: see ``wire_ways.lanes``."""
    return ENGINE[: len(lanes())]


SHELLS = [name for name in BYTE_WAYS if name not in ENGINE]


@EVERY_CASE
def test_chunks(text: str, make: Make, backend: str) -> None:
    for cut in CUTS.values():
        case = make(cut(text))
        for protocol in () if case.of_bytes else (case.protocol, "auto"):
            out = CHUNK_WAYS["ChunkRestorer"](case.events, asked(case, protocol=protocol))
            assert case.read(out) == case.says, protocol


@thorough
@EVERY_CASE
def test_bytes(text: str, make: Make, backend: str) -> None:
    for at, (name, cut) in enumerate(CUTS.items()):
        case = make(cut(text))
        asks = list(product(engine(), (case.protocol, "auto")))
        for framing in case.framings:
            reads = reads_of(data_of(case, framing), name)
            for way, protocol in some(asks, 2, first=at + case.framings.index(framing)):
                out = BYTE_WAYS[way](reads, asked(case, framing, protocol=protocol))
                assert case.read(decoded(out, framing)) == case.says, (framing, name, way, protocol)


@pytest.mark.parametrize("way", marked([name for name in CHUNK_WAYS if name != "ChunkRestorer"]))
@EVERY_KIND
def test_the_shells_of_chunks(kind: str, way: str, backend: str) -> None:
    for name, (text, make) in KINDS[kind].items():
        case = make(CUTS["random"](text))
        is_fit = way != "StreamingHandler" or case.protocol in ("openai-chat", "openai-text")
        if is_fit and not case.of_bytes:
            assert case.read(CHUNK_WAYS[way](case.events, asked(case))) == case.says, name


@thorough
@pytest.mark.parametrize("way", marked(SHELLS))
@EVERY_KIND
def test_the_shells_of_bytes(kind: str, way: str, backend: str) -> None:
    for name, (text, make) in some_of(kind, way):
        case = make(CUTS["random"](text))
        for framing in case.framings:
            reads = reads_of(data_of(case, framing), "random")
            out = BYTE_WAYS[way](reads, asked(case, framing, protocol="auto"))
            assert case.read(decoded(out, framing)) == case.says, (name, framing)


# ---------------------------------------------------------------- what only bytes show


@of_kind("R9")
def test_r9_a_comment_leaves_at_once(text: str, make: Make, backend: str) -> None:
    case = make(CUTS["units"](text))
    restorer = WireRestorer(PAIRS, protocol=case.protocol)
    for event in case.events:
        if isinstance(event, bytes):
            comment, *rest = event.splitlines(keepends=True)
            assert restorer.feed(comment) == comment
            assert restorer.feed(b"".join(rest)) == b"".join(rest)
        else:
            restorer.feed(encoded([event], "events"))


@thorough
@pytest.mark.parametrize("way", HTTP_WAYS)
@pytest.mark.parametrize("claimed", ["application/json", "text/plain", "", "text/event-stream"])
def test_r10_the_bytes_tell_whatever_the_type_says(claimed: str, way: str, backend: str) -> None:
    for name, (text, make) in some_of("R10", way + claimed):
        case = make(CUTS["random"](text))
        headers = (("content-type", claimed),) if claimed else ()
        for framing in case.framings:
            reads = reads_of(data_of(case, framing), "random")
            out = BYTE_WAYS[way](reads, asked(case, framing, headers=headers, protocol="auto"))
            assert case.read(decoded(out, framing)) == case.says, (name, framing)


@of_kind("R12")
def test_r12_an_oversized_event_is_counted(text: str, make: Make, backend: str) -> None:
    case = make(CUTS["random"](text))
    for framing in case.framings:
        restorer = WireRestorer(PAIRS, max_event_bytes=2000)
        data = data_of(case, framing)
        assert b"<PERSON_1>xxx" in restorer.feed(data) + restorer.flush()
        assert restorer.report.oversized == 1


CODINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
for _name, _module in (("br", "brotli"), ("zstd", "zstandard")):
    try:
        _found = importlib.import_module(_module)
    except ModuleNotFoundError:
        continue
    CODINGS[_name] = _found.compress


@thorough
@pytest.mark.parametrize("way", HTTP_WAYS)
@pytest.mark.parametrize("coding", CODINGS)
def test_r18_a_compressed_stream(coding: str, way: str, backend: str) -> None:
    for name, (text, make) in some_of("R18", way + coding):
        case = make(CUTS["random"](text))
        for framing in case.framings:
            reads = reads_of(CODINGS[coding](data_of(case, framing)), "random")
            for is_said in {True, coding not in ("gzip", "zstd")}:  # the others do not tell by their bytes
                headers = [("content-type", TYPES[framing])] + [("content-encoding", coding)] * is_said
                out = BYTE_WAYS[way](reads, asked(case, framing, headers=tuple(headers)))
                assert case.read(decoded(out, framing)) == case.says, (name, framing, is_said)


@pytest.mark.parametrize("way", marked([name for name in SHELLS if name not in HTTP_WAYS]))
@pytest.mark.parametrize("coding", [name for name in ("gzip", "zstd") if name in CODINGS])
def test_r18_without_headers_the_bytes_tell(coding: str, way: str, backend: str) -> None:
    for name, (text, make) in KINDS["R18"].items():
        case = make(CUTS["random"](text))
        reads = reads_of(CODINGS[coding](data_of(case, "events")), "random")
        assert case.read(decoded(BYTE_WAYS[way](reads, asked(case)), "events")) == case.says, name


@of_kind("R18")
def test_r18_what_takes_decoded_bytes_says_so(text: str, make: Make, backend: str) -> None:
    case = make(CUTS["whole"](text))
    restorer = WireRestorer(PAIRS, protocol=case.protocol)
    with pytest.raises(EncodedInput):
        restorer.feed(gzip.compress(data_of(case, "events")))


# ---------------------------------------------------------------- whole answers


@pytest.mark.parametrize("way", marked([*BYTE_WAYS]))
@pytest.mark.parametrize("name", ANSWERS)
def test_r11_a_whole_answer_where_a_stream_was_asked_for(name: str, way: str, backend: str) -> None:
    protocol, answer, path = ANSWERS[name]
    for indent in (None, 0, 2):
        source = json.dumps(answer, indent=indent, ensure_ascii=False).encode()
        expected = restore_answer(source, PAIRS)
        assert [*found(json.loads(expected), path.split())] == [SAID]
        for data in (source, source + b"\n", b"\n" + source.replace(b"\n", b"\r\n") + b"\r\n\r\n"):
            for cut in CUTS if way in ENGINE else ["random"]:
                for named in (protocol, "auto"):
                    out = BYTE_WAYS[way](reads_of(data, cut), Asked(PAIRS, named))
                    assert out.replace(b"\r\n", b"\n").strip() == expected, (indent, cut, named)


WHOLE_KINDS = [
    pytest.param(text, make, id=f"{kind} {name}")
    for kind in ("R4", "R6", "R15", "R19")
    for name, (text, make) in KINDS[kind].items()
]


@pytest.mark.parametrize(("text", "make"), WHOLE_KINDS)
def test_the_same_shapes_in_a_whole_answer(text: str, make: Make, backend: str) -> None:
    """It says what its stream would: the event that has the text, with a ``message`` for each ``delta``."""
    case = make([text])
    spelled = json.dumps(text, ensure_ascii=False)[1:-1]
    event = next(one for one in case.events if spelled in json.dumps(one, ensure_ascii=False))
    source = json.dumps(event, ensure_ascii=False).replace('"delta"', '"message"').encode()
    config = DeanonymizationConfig(reasoning=case.signed)
    out = json.loads(restore_answer(source, PAIRS, config, protocol=case.protocol))
    is_delta = any("delta" in choice for choice in event.get("choices", ()))
    read = json.loads(json.dumps(out).replace('"message"', '"delta"')) if is_delta else out
    assert case.read([read]) == case.says


@pytest.mark.parametrize("way", marked([*BYTE_WAYS]))
def test_r11_other_documents_pass(way: str, backend: str) -> None:
    for document in ({"error": {"message": "<PERSON_1>"}}, {"data": [{"x": "<PERSON_1>"}]}):
        data = json.dumps(document, indent=2).encode()
        assert BYTE_WAYS[way](reads_of(data, "random"), Asked(PAIRS, "auto")) == data


# ---------------------------------------------------------------- what the page says of deviations


def test_the_page_says_of_every_format_what_deviates() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    _, _, section = page.partition("## What deviates, and what of it is taken")
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert {row.split("`")[1] for row in rows} == {*FORMATS}
    assert all("cumulative" in row.split(" | ")[-1] for row in rows)


@pytest.mark.parametrize("speaker", [one for one in SPEAKERS if not one.source], ids=lambda one: one.name)
def test_cumulative_deltas_are_no_deltas(speaker: Speaker, backend: str) -> None:
    """As the page says: each is a piece of its own, and what was held back leaves before the next."""

    def said(*pieces: str) -> str:
        restorer = ChunkRestorer(PAIRS, ON, protocol=speaker.protocol)
        events = [speaker.say(piece) for piece in pieces]
        return speaker.read([one for event in events for one in restorer.feed(event)] + restorer.flush())

    assert said("Hi <PERSON_2>", "Hi <PERSON_2>, ok") == "Hi BoHi Bo, ok"
    assert said("Hi <PERS", "Hi <PERSON_2>") == "Hi <PERSHi Bo"


INDEXES = (
    "index",
    "output_index",
    "content_index",
    "item_id",
    "contentBlockIndex",
    "messageId",
    "response_id",
)


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda one: one.name)
def test_deltas_alone_without_indexes(speaker: Speaker, backend: str) -> None:
    """No start, no end, and nothing that tells one text from another."""

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: bare(value) for name, value in node.items() if name not in INDEXES}
        return [bare(one) for one in node] if isinstance(node, list) else node

    for cut in CUTS.values():
        data = encoded([bare(speaker.say(piece)) for piece in cut(speaker.text)], "events")
        restorer = WireRestorer(PAIRS, ON, protocol=speaker.protocol)
        out = restorer.feed(data) + restorer.flush()
        assert speaker.read(decoded(out, "events")) == speaker.says
