"""The vectors of AWS's messages, ``tests/vectors/messages/messages.json``: ``tests/vectors`` says what vectors are.

    PYTHONPATH=python:tests:tests/support python tools/message_vectors.py     # write them anew

What is right is found by plain means (``tests/support/aws_messages.py``), not by the product. A vector has the bytes of
a stream, each as a character; which of its pieces are messages, by their lengths, and how many are none or not sound;
and what leaves where the text of block 0 is restored and everything else passes.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from aws_messages import message, written

FILE = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "messages" / "messages.json"
KEY, VALUE = "<P>", 'Ada "é"'
PAIRS = {KEY: VALUE}
EVENT = {"message_type": "event", "content_type": "application/json"}


def delta(text: str, index: int = 0, **more: Any) -> bytes:
    """A message with text of a block."""
    return written({"contentBlockDelta": {"contentBlockIndex": index, "delta": {"text": text}, **more}})


def named(payload: str, name: str = "contentBlockDelta", **headers: str) -> bytes:
    """A message with that payload."""
    return message(payload.encode(), event_type=name, **{**EVENT, **headers})


def chunk(event: str, more: str = "") -> bytes:
    """A message with the event of another provider."""
    return named(f'{{"bytes":"{base64.b64encode(event.encode()).decode()}"{more}}}', "chunk")


def flipped(one: bytes, at: int) -> bytes:
    """A message with one bit changed."""
    changed = bytearray(one)
    changed[at] ^= 1
    return bytes(changed)


SPACED = '{ "p":"\\u00e9", "delta" : {"text":"%s"}, "contentBlockIndex":0, "n":1.50 }'
MODEL = '{"outputText":"%s","completionReason":null}'
ERROR = message(b'{"message":"of <Q>"}', exception_type="throttlingException", message_type="exception")
START = written({"messageStart": {"role": "assistant"}})

Piece = tuple[bytes, bytes]
"""What comes, and what leaves."""


def same(one: bytes) -> Piece:
    """What leaves as it came."""
    return one, one


CASES: dict[str, list[Piece]] = {
    "text": [(delta(f"Hi {KEY}!"), delta(f"Hi {VALUE}!")), same(delta("no key"))],
    "a key in two": [(delta("a <"), delta("a ")), (delta("P> b"), delta(f"{VALUE} b"))],
    "padding": [(delta(KEY, p="abcé"), delta(VALUE, p="abcé"))],
    "as it is written": [(named(SPACED % KEY), named(SPACED % 'Ada \\"é\\"'))],
    "another block": [same(delta("x", 1)), (delta(KEY), delta(VALUE))],
    "an exception": [same(ERROR), (delta(KEY), delta(VALUE))],
    "headers of every type": [same(message(b"{}", name="x")), (delta(KEY), delta(VALUE))],
    "a chunk": [(chunk(MODEL % KEY), chunk(MODEL % 'Ada \\"é\\"')), same(chunk(MODEL % "no key"))],
    "a chunk with padding": [
        (chunk(MODEL % KEY, ',"p":"abc"'), chunk(MODEL % 'Ada \\"é\\"', ',"p":"abc"')),
    ],
    "payloads that are no events": [
        same(named(payload, name))
        for payload in ("", "7", "[]", "{", '{"bytes":7}', '{"bytes":"%%"}', '{"bytes":"e30"}')
        for name in ("chunk", "contentBlockDelta")
    ],
    "names that are none": [same(named("{}", name)) for name in ('a"b', "", "1a", "é")],
}
LOST = [b"junk", b"\0" * 40, b"\1", delta("x")[5:]]
NOT_SOUND = [flipped(delta(KEY), at) for at in (-1, -9, 14)]


def vector(name: str, pieces: list[Piece], lengths: list[int], broken: int) -> dict[str, Any]:
    """One vector."""
    came, leaves = (b"".join(piece[side] for piece in pieces).decode("latin-1") for side in (0, 1))
    return {"name": name, "stream": came, "lengths": lengths, "broken": broken, "leaves": leaves}


def vectors() -> list[dict[str, Any]]:
    """All of them."""
    end = (delta(KEY), delta(VALUE))
    found = []
    for name, events in CASES.items():
        pieces = [same(START), *events]
        found.append(vector(name, pieces, [len(piece[0]) for piece in pieces], 0))
    for number, lost in enumerate(LOST):
        pieces = [same(START), same(lost), end]
        found.append(vector(f"lost bytes {number}", pieces, [len(START), len(end[0])], 1))
    for number, one in enumerate(NOT_SOUND):
        pieces = [same(START), same(one), end]
        lengths = [len(piece[0]) for piece in pieces]
        found.append(vector(f"a wrong checksum {number}", pieces, lengths, 1))
    return found


def main() -> int:
    """Write the file."""
    FILE.write_text(json.dumps(vectors(), ensure_ascii=True, indent=1) + "\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
