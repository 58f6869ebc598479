"""What a round asks for, and what the provider says then: the same on both ends."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from typing import Any, NamedTuple

from benches.workloads import pairs_of, prose, tokens

PAIRS = pairs_of("placeholders", 100)
SIDES = ("off", "on")


class Load(NamedTuple):
    """What one round asks for."""

    streams: int  # at the same time
    tokens: int  # of each stream
    pace: int = 0  # milliseconds from one token to the next; 0: as fast as they go
    repeats: int = 1  # one after another
    rounds: int = 3
    block: int = 0  # bytes in an HTTP chunk, if it is not an event in each
    calls: int = 0  # tool calls in turns that the answer is, if it is not text


FEW = 10
"""How many values a request has where it is masked."""

PLACEHOLDER = re.compile(r"<PERSON_\d+>")
MARK = re.compile(rb"<[A-Z]+_[a-z2-7]{10,}>")
"""What a masked request has in a value's place."""

CUT = re.compile(r"<[A-Z]*_?[a-z2-7]*\Z")
ANY = re.compile(MARK.pattern.decode())
STAMP = re.compile(rb"~(\d{15})~")


def stamp() -> bytes:
    return b"~%015d~" % (time.monotonic_ns() // 1000)


@cache
def said(seed: int, count: int, marks: tuple[str, ...] = ()) -> list[str]:
    """The tokens of an answer, a placeholder per 200 code points: one of ``marks``, if there are any."""
    text = prose(8 * count + 100, list(PAIRS), 200, seed)
    if marks:
        text = PLACEHOLDER.sub(lambda found: marks[int(found[0][8:-1]) % len(marks)], text)
    return tokens(text, seed)[:count]


def values() -> list[str]:
    """What a request that is masked mentions, in the order of its placeholders."""
    return list(PAIRS.values())[:FEW]


def as_masked(seed: int, count: int) -> str:
    """What such an answer says when it is restored, whatever the placeholders were: all are of one length."""
    marks = tuple(f"<PERSON_{'abcdefghij'[number] * 10}>" for number in range(FEW))
    pairs = dict(zip(marks, values(), strict=True))
    return ANY.sub(lambda found: pairs[found[0]], "".join(said(seed, count, marks)))


def restored(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: PAIRS[found[0]], text)


@cache
def argued(seed: int, count: int, calls: int) -> list[tuple[int, str]]:
    """The pieces of the arguments of an answer that is calls in turns: the number of the call, and its source."""
    texts = [said(seed + call, count // calls - 2) for call in range(calls)]
    sources = [['{"text":"', *(json.dumps(piece)[1:-1] for piece in text), '"}'] for text in texts]
    return [piece for pieces in zip(*sources, strict=True) for piece in enumerate(pieces)]


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    envelope = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "m",
        "choices": [choice],
    }
    return f"data: {json.dumps(envelope)}\n\n".encode()


@cache
def call_events(seed: int, count: int, calls: int) -> list[bytes]:
    """Each event of an answer that is calls in turns, their openings first."""
    named = [
        {"index": call, "id": f"call_{call}", "type": "function", "function": {"name": "f", "arguments": ""}}
        for call in range(calls)
    ]
    deltas = [{"index": call, "function": {"arguments": piece}} for call, piece in argued(seed, count, calls)]
    return [event({"tool_calls": [one]}) for one in (*named, *deltas)]


@cache
def events(seed: int, count: int, marks: tuple[str, ...] = ()) -> list[tuple[bytes, bytes]]:
    """Each event of an answer in two parts: a time can be put between, except in the middle of a placeholder."""
    pieces = said(seed, count, marks)
    form = ANY if marks else PLACEHOLDER
    inside = {at for found in form.finditer("".join(pieces)) for at in range(found.start() + 1, found.end())}
    parts, at = [], 0
    for piece in pieces:
        at += len(piece)
        data = event({"content": piece + "\x00"})
        before, after = data.split(b"\\u0000")
        parts.append((before + after, b"") if at in inside else (before, after))
    return parts
