"""Bodies of every kind, and what they are told to be."""

from __future__ import annotations

import json
from typing import Any

from holdback import WireRestorer, restore_answer
from holdback.bodies import BodyRestorer
from holdback.sniffing import BodyKind, Claim
from streams import say
from wires import through

PAIRS = {"<PERSON_1>": 'Ada "Countess" Lovelace'}
EVENTS, LINES, ARRAY, ANSWER, OTHER = BodyKind
STREAMS = (Claim.EVENTS, Claim.LINES)
UNSAID = (Claim.JSON, Claim.NOTHING)
ALL = (*STREAMS, *UNSAID)
CHUNKS = [say("Hi <PER"), say("SON_1>!"), say(" <PERS")]
AS_EVENTS = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in CHUNKS)
AS_LINES = b"".join(json.dumps(chunk).encode() + b"\n" for chunk in CHUNKS)
OLLAMA = b"".join(
    json.dumps({"model": "m", "message": {"content": text}, "done": not text}).encode() + b"\n"
    for text in ("Hi <PER", "SON_1>!", "")
)
GEMINI = [
    {"candidates": [{"index": 0, "content": {"parts": [{"text": text}]}}]} for text in ("<PER", "SON_1>")
]
WHOLE: dict[str, Any] = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "<PERSON_1>"}}],
    "usage": {"total_tokens": 3},
}
MESSAGE = {"type": "message", "content": [{"type": "text", "text": "Hi <PERSON_1>"}]}
BOM = b"\xef\xbb\xbf"
# What the body is, by what its content type says.
BODIES: dict[str, tuple[bytes, dict[BodyKind, tuple[Claim, ...]]]] = {
    "events": (AS_EVENTS, {EVENTS: ALL}),
    "events with CRLF": (AS_EVENTS.replace(b"\n", b"\r\n"), {EVENTS: ALL}),
    "events with CR": (AS_EVENTS.replace(b"\n", b"\r"), {EVENTS: ALL}),
    "events behind blank lines": (b"\n\r\n" + AS_EVENTS, {EVENTS: ALL}),
    "events behind a mark": (BOM + AS_EVENTS, {EVENTS: ALL}),
    "named events": (b"event: message_start\n" + AS_EVENTS, {EVENTS: ALL}),
    "events with all fields": (b"retry: 5\nid: 1\r\nevent: x\r" + AS_EVENTS, {EVENTS: ALL}),
    "events behind a comment": (b": OPENROUTER PROCESSING\n\n: ping\n\n" + AS_EVENTS, {EVENTS: ALL}),
    "events without a blank": (AS_EVENTS.replace(b"data: ", b"data:"), {EVENTS: ALL}),
    "lines": (AS_LINES, {LINES: ALL}),
    "lines behind blank lines": (b"\n\n" + AS_LINES, {LINES: ALL}),
    "lines of Ollama": (OLLAMA, {LINES: ALL}),
    "lines, a foreign one first": (b'{"warning": 1}\n' + AS_LINES, {LINES: ALL}),
    "lines with CRLF": (AS_LINES.replace(b"\n", b"\r\n"), {LINES: ALL}),
    "an answer, then lines": (json.dumps(WHOLE).encode() + b"\n" + AS_LINES, {LINES: ALL}),
    "an array": (json.dumps(GEMINI, indent=1).encode(), {ARRAY: ALL}),
    "an array in pieces": (
        b"[" + b"\r\n,".join(json.dumps(one).encode() for one in GEMINI) + b"\r\n]",
        {ARRAY: ALL},
    ),
    "an answer": (json.dumps(WHOLE).encode(), {ANSWER: ALL}),
    "an answer and a line end": (json.dumps(WHOLE).encode() + b"\n", {ANSWER: ALL}),
    "an answer on many lines": (b"\n" + json.dumps(WHOLE, indent=2).encode(), {ANSWER: ALL}),
    "an answer behind a mark": (BOM + json.dumps(MESSAGE).encode() + b"\r\n\r\n", {ANSWER: ALL}),
    "an answer of Gemini and a line end": (
        json.dumps(GEMINI[0]).encode() + b"\n",
        {LINES: STREAMS, ANSWER: UNSAID},
    ),
    "an answer, blank lines, then lines": (json.dumps(WHOLE).encode() + b"\n\r\n" + AS_LINES, {LINES: ALL}),
    "one line without an end": (json.dumps(say("Hi <PERSON_1>")).encode(), {ANSWER: ALL}),
    "half a line, then lines": (
        b'{"choi\n' + AS_LINES,
        {LINES: (Claim.LINES,), ANSWER: (Claim.EVENTS, *UNSAID)},
    ),
    "text": (b"Hi <PERSON_1>", {EVENTS: STREAMS, OTHER: UNSAID}),
    "text like a field": (b"date: today", {EVENTS: STREAMS, OTHER: UNSAID}),
    "text like a comment": (
        b":) I am <PERSON_1>\nbye",
        {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)},
    ),
    "text like an identifier": (b"id: 5\nname: x", {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)}),
    "text with all line ends": (
        b"id: 5\nname: x\rdata: y",
        {EVENTS: (*STREAMS, Claim.JSON), OTHER: (Claim.NOTHING,)},
    ),
    "a list": (b"[1, 2]", {EVENTS: STREAMS, OTHER: UNSAID}),
    "a string": (b'"<PERSON_1>"', {EVENTS: STREAMS, OTHER: UNSAID}),
    "nothing": (b"", {EVENTS: STREAMS, OTHER: UNSAID}),
    "blanks": (b" \n", {EVENTS: STREAMS, OTHER: UNSAID}),
    "half a field": (b"dat", {EVENTS: STREAMS, OTHER: UNSAID}),
}
WHOLES = ("an answer of Gemini and a line end",)
"""Whole answers in which nothing is restored. Their text ends like a placeholder begins; nothing is added behind it."""


def restored(restorer: BodyRestorer, reads: list[bytes]) -> bytes:
    return b"".join([*map(restorer.feed, reads), restorer.flush()])


def expected(name: str, claim: Claim, kind: BodyKind) -> bytes:
    """What the engine makes of it: blanks in front of a stream are none of its business."""
    data = BODIES[name][0]
    if kind is OTHER:
        return data
    if kind is ANSWER and (name in WHOLES or restore_answer(data, PAIRS) != data):
        return bytes(restore_answer(data, PAIRS))
    body = data.removeprefix(BOM).lstrip(b" \t\r\n")
    return data[: len(data) - len(body)] + through(WireRestorer(PAIRS), [body]).data
