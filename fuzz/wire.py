"""Target ``wire``: a stream of bytes through the byte layer, in every way, and by what its chunks say.

An input is a head of four characters and the stream. The characters are numbers, from ``0`` on: the protocol (``auto``
first), the keys, the limit of an event, and the size of the pieces that the stream is cut into. So ``0009data: …`` is
a stream of a kind to be found out, in pieces of nine bytes.

Of each stream these are judged:

- whole, cut, byte by byte, with the fast path and without, on both twins: the same bytes leave, the same protocol was
  found, the same error came, one of those that are documented;
- a stream that a client can read says what its chunks say when they are restored as values;
- an event that has nothing to restore leaves as the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any
from zlib import crc32

import wires
from fuzz.twins import TWINS, name
from holdback import ChunkRestorer
from holdback.formats import FORMATS
from holdback.restorers.wire import WireRestorer

INPUTS = "streams"
LONGEST = 3000
HEAD = 4
PROTOCOL_NAMES = ("auto", *FORMATS)
RECORDED = {key: original for recording in wires.recordings() for key, original in recording.pairs.items()}
MAPS = (wires.PAIRS, wires.RARE, RECORDED)
LIMITS = (16 << 20, 16 << 20, 150, 300)
SHORT = 400
"""A stream of so many bytes is fed byte by byte as well."""


def seeds() -> Iterator[tuple[str, bytes]]:
    """A few frames of the recordings, as often as there are, each with a name."""
    for recording in wires.recordings():
        frames = wires.frames(recording.data, lines=recording.lines)
        for start in range(0, len(frames), 3):
            data = b"".join(frames[start : start + 3])
            yield f"{recording.name}-{start}", head(keys=MAPS.index(RECORDED), size=7) + data


def head(protocol: int = 0, keys: int = 0, limit: int = 0, size: int = 0) -> bytes:
    return bytes(ord("0") + number for number in (protocol, keys, limit, size))


def check(data: bytes) -> None:
    """Raises if the ways to restore the stream do not agree."""
    numbers = [byte - ord("0") for byte in data[:HEAD].ljust(HEAD, b"0")]
    protocol = PROTOCOL_NAMES[numbers[0] % len(PROTOCOL_NAMES)]
    pairs = MAPS[numbers[1] % len(MAPS)]
    options = {"protocol": protocol, "max_event_bytes": LIMITS[numbers[2] % len(LIMITS)]}
    stream = data[HEAD:]
    result = restored_in_every_way(stream, pairs, options, numbers[3] % 256)
    if result.error is None:
        says_what_its_chunks_say(stream, pairs, result)


def restored_in_every_way(
    stream: bytes, pairs: dict[str, str], options: dict[str, Any], size: int
) -> wires.Result:
    rng = Random(crc32(stream))
    matchers = [twin(pairs) for twin in TWINS]
    expected = wires.through(wires.SlowWire(matchers[0], **options), [stream])
    ways = [[stream], wires.pieces(stream, [rng.randint(0, len(stream)) for _ in range(3)])]
    if size:
        ways.append(wires.every(stream, size))
    if len(stream) <= SHORT:
        ways.append(wires.every(stream, 1))
    native, pure = matchers[-1], matchers[0]
    for matcher, kind, reads in (
        *((native, WireRestorer, reads) for reads in ways),
        (pure, WireRestorer, rng.choice(ways)),
        (native, wires.SlowWire, rng.choice(ways)),
    ):
        got = wires.through(kind(matcher, **options), reads)
        assert got == expected, (name(matcher), kind.__name__, len(reads))
    return expected


def says_what_its_chunks_say(stream: bytes, pairs: dict[str, str], result: wires.Result) -> None:
    """Judged frame by frame, by an independent reader, if it can read all of them."""
    if result.protocol not in FORMATS:
        assert result.data == stream, "a stream of no known kind was changed"
        return
    lines = result.protocol == "ollama"
    restorer = ChunkRestorer(pairs, protocol=result.protocol)
    expected: list[Any] = []
    unchanged = []
    try:
        left = wires.chunks(result.data, lines=lines)
        for frame in wires.frames(stream.removeprefix(wires.BOM), lines=lines):
            chunk = wires.chunk_of(frame, lines=lines)
            if chunk is wires.END:
                break
            out = [] if chunk is None else restorer.feed(chunk)
            if chunk is not None and not out and not only_data(frame):
                return  # it stays, with empty text: `tests/test_wire.py` says how
            expected += out
            if chunk is None or (out and out[-1] is chunk):
                unchanged.append(frame)
    except (UnicodeDecodeError, RecursionError):
        return
    expected += restorer.flush()
    assert as_json(left) == as_json(expected), "restored bytes and restored values differ"
    at = 0
    for frame in unchanged:
        at = result.data.find(frame, at) + len(frame)
        assert at >= len(frame), "an event without a change was changed"


def only_data(frame: bytes) -> bool:
    return all(not line or line.split(b":")[0] == b"data" for line in frame.splitlines())


def as_json(chunks: list[Any]) -> str:
    """For comparing: NaN is not equal to itself, and 1 is to 1.0 and True. The order of members does not count."""
    return json.dumps(chunks, sort_keys=True)


def mutate(data: bytes, rng: Random) -> bytes:
    """Another invented stream, frames of it put into this one, or an accident."""
    front, stream = data[:HEAD].ljust(HEAD, b"0"), data[HEAD:]
    kind = rng.random()
    if kind < 0.4:
        return front + wires.hostile(rng, stream)
    invented, protocol = wires.stream(rng)
    if kind < 0.6:
        known = rng.choice((0, PROTOCOL_NAMES.index(protocol)))
        return head(known, rng.randrange(2), rng.randrange(4), rng.randrange(75)) + invented
    lines = protocol == "ollama"
    frames = wires.frames(stream, lines=lines)
    at = rng.randint(0, len(frames))
    more = rng.choice(wires.frames(invented, lines=lines) or [b""])
    return front + b"".join([*frames[:at], more, *frames[at:]])
