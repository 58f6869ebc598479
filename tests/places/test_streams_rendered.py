"""What the restorers make of streams, judged by real renderers: no attack gets a value out, nothing harmless is kept.

Each text comes in every format, behind long quiet text and in random cuts, through the wire and as chunks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import answer_streams
import host_streams
from answer_streams import Events, as_bytes, heard, pieces, read_back
from holdback import ChunkRestorer, DeanonymizationConfig, PIIMapping, RestorePolicy, WireRestorer
from places.test_renderers import BORDER, KEYS, VALUE, listed, strings, who_sees

pytestmark = pytest.mark.renderers

QUIET = "It was a quiet day, and nothing at all happened.\n" * 60 + "\n"
POLICY = DeanonymizationConfig(policy=RestorePolicy())
FORMATS: dict[str, Callable[[list[list[str]]], Events]] = {**answer_streams.FORMATS, **host_streams.FORMATS}


@cache
def seen(text: str) -> tuple[str, ...]:
    """The renderers that put the value into an address; the same text comes out of most formats."""
    return tuple(who_sees(text, VALUE))


def mapping(key: str) -> PIIMapping:
    pairs = PIIMapping()
    pairs.add(VALUE, key, "PERSON")
    return pairs


def said(events: Events, protocol: str) -> str:
    if protocol in answer_streams.FORMATS:
        return "".join(heard(events))
    return "".join(map(host_streams.streamed, events))


def restored(
    text: str, protocol: str, key: str, rng: random.Random, config: DeanonymizationConfig = POLICY
) -> tuple[str, int]:
    """The text of a stream as a client joins it, and how many placeholders were kept."""
    blocks = (QUIET + text).replace("§", key).split(BORDER)
    events = FORMATS[protocol]([pieces(block, rng) for block in blocks])
    chunks = ChunkRestorer(mapping(key), config, protocol=protocol)
    leaving = [out for event in events for out in chunks.feed(event)] + chunks.flush()
    result = said(leaving, protocol)
    if protocol != "bedrock":  # its bytes are messages of AWS, with checksums
        data = as_bytes(events, protocol)
        wire = WireRestorer(mapping(key), config, protocol=protocol)
        size = rng.choice((1, 50, 1000, len(data)))
        out = b"".join(wire.feed(data[at : at + size]) for at in range(0, len(data), size)) + wire.flush()
        assert said(read_back(out), protocol) == result
        assert wire.report == chunks.report
    return result.removeprefix(QUIET), sum(chunks.report.kept.get("address", {}).values())


@pytest.mark.parametrize("protocol", FORMATS)
def test_no_attack_gets_a_value_out_of_a_stream(backend: str, protocol: str) -> None:
    for number, case in enumerate(listed("attacks")):
        rng = random.Random(number)
        text, kept = restored(case["text"], protocol, rng.choice(KEYS), rng)
        assert kept, case["name"]
        assert seen(QUIET[-98:] + text) == (), case["name"]


@pytest.mark.parametrize("protocol", FORMATS)
def test_nothing_harmless_is_kept_in_a_stream(backend: str, protocol: str) -> None:
    for number, case in enumerate(listed("harmless")):
        rng = random.Random(number)
        text, kept = restored(case["text"], protocol, rng.choice(KEYS), rng)
        assert (kept, text) == (0, case["text"].replace(BORDER, "").replace("§", VALUE)), case["name"]


@pytest.mark.parametrize("protocol", answer_streams.FORMATS)
def test_attacks_and_harmless_texts_in_turns(backend: str, protocol: str) -> None:
    """One stream of both, a few of each: what an attack leaves open must not open what follows."""
    attacks, harmless = listed("attacks"), listed("harmless")
    for seed in range(12):
        rng = random.Random(seed)
        chosen = [rng.choice(attacks if number % 2 else harmless)["text"] for number in range(5)]
        text, kept = restored("\n\n".join(chosen), protocol, rng.choice(KEYS), rng)
        assert kept
        assert seen(text) == (), chosen


def json_stream(source: str, rng: random.Random) -> Events:
    chunk = "chat.completion.chunk"
    return [
        {"object": chunk, "choices": [{"index": 0, "delta": {"content": piece}}]}
        for piece in pieces(source, rng)
    ]


@pytest.mark.parametrize("content", ["auto", "json"])
def test_json_content_as_it_is_and_each_of_its_strings(backend: str, content: Any) -> None:
    config = DeanonymizationConfig(policy=RestorePolicy(), content=content)
    for number, case in enumerate(listed("json")):
        for key in KEYS:
            rng = random.Random(number)
            restorer = ChunkRestorer(mapping(key), config)
            events = json_stream(case["text"].replace("§", key), rng)
            leaving = [out for event in events for out in restorer.feed(event)] + restorer.flush()
            text = "".join(heard(leaving))
            assert bool(restorer.report.kept) == case["is_kept"], case["name"]
            assert [who for one in (text, *strings(json.loads(text))) for who in seen(one)] == [], case[
                "name"
            ]


def test_arguments_are_judged_by_each_of_their_strings(backend: str) -> None:
    """A tool may show any string of its arguments."""
    for number, case in enumerate([*listed("attacks"), *listed("harmless")]):
        rng = random.Random(number)
        key = rng.choice(KEYS)
        text = case["text"].replace(BORDER, "")
        source = json.dumps(
            {"first": QUIET[:98], "text": text.replace("§", key)}, ensure_ascii=rng.random() < 0.5
        )
        calls = [{"index": 0, "id": "c", "function": {"name": "show", "arguments": ""}}]
        calls += [{"index": 0, "function": {"arguments": piece}} for piece in pieces(source, rng)]
        chunk = "chat.completion.chunk"
        events = [
            {"object": chunk, "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]} for call in calls
        ]
        restorer = ChunkRestorer(mapping(key), POLICY)
        leaving = [out for event in events for out in restorer.feed(event)] + restorer.flush()
        arguments = "".join(
            call["function"]["arguments"]
            for event in leaving
            for choice in event["choices"]
            for call in choice["delta"].get("tool_calls", [])
        )
        shown = json.loads(arguments)["text"]
        assert seen(shown) == (), case["name"]
        if number >= len(listed("attacks")):
            assert shown == text.replace("§", VALUE), case["name"]
