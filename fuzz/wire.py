"""Target ``wire``: a stream of bytes through the byte layer in every way, in lockstep, through its public names.

An input is a head of four characters and the stream. The characters are numbers, from ``0`` on: the protocol (``auto``
first), the keys, the limit of an event together with what content is and the policy, and the size of the pieces that
the stream is cut into. So ``0009data: …`` is a stream of a kind to be found out, in pieces of nine bytes.

Of each stream these are judged:

- whole, cut, byte by byte, with the native lane and without, on both twins: the same bytes leave, the same protocol
  was found, the same error came in the same words, and the same was counted;
- its events, as values through ``ChunkRestorer``, say in every channel what the bytes say;
- an event that is the same value behind it leaves as the same bytes.

What a stream must say at all is judged where streams are made, in ``tests/test_wire_properties.py``.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Literal
from zlib import crc32

import answer_streams
import wire_streams
from fuzz.twins import TWINS, name
from holdback import ChunkRestorer, DeanonymizationConfig, Report, RestorePolicy, WireRestorer
from wire_cases import ODD_PAIRS, PAIRS
from wire_cases_content import LINES_PAIRS
from wire_json import BOM, Frame, Node, frames
from wire_oracle import texts_of_chunks
from wire_spelling import hostile
from wire_ways import HAS_LANE, LANES, Result, made, through

INPUTS = "streams"
LONGEST = 3000
HEAD = 4
PROTOCOLS = wire_streams.PROTOCOLS
PROTOCOL_NAMES = ("auto", *PROTOCOLS)
VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "wire"
RARE = {"<P_1>": 'Ada "x"\n\u2028é', "<P_10>": "B", "☃": "S", "\t\t": "|"}
"""Keys whose beginnings most events do not contain."""
RECORDED: dict[str, str] = json.loads(
    (VECTORS.parents[2] / "examples" / "map.json").read_text(encoding="utf-8")
)
MAPS: tuple[dict[str, str], ...] = (wire_streams.PAIRS, RARE, RECORDED, PAIRS, ODD_PAIRS, LINES_PAIRS)
LIMITS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"max_event_bytes": 150},
    {"max_event_bytes": 300},
)
CONTENTS: tuple[Literal["auto", "text", "json"], ...] = ("auto", "text", "json")
POLICIES: tuple[RestorePolicy | None, ...] = (
    None,
    RestorePolicy(),
    RestorePolicy(hosts=("*.example.org",), tools={"send": "keep", "*": "restore"}, enforce=False),
    RestorePolicy(
        tools={"send": "restore", "*": "keep"}, channels={"reasoning": "keep", "signed": "restore"}
    ),
)
SAID: dict[str, list[str]] = {
    kind: [
        case["text"]
        for case in json.loads((VECTORS.parents[1] / "places" / f"{kind}.json").read_text(encoding="ascii"))
    ]
    for kind in ("attacks", "harmless")
}
SHORT = 400
"""A stream of so many bytes is fed byte by byte as well."""

if "oversized" in inspect.signature(WireRestorer).parameters:
    LIMITS = (*LIMITS[:3], {**LIMITS[3], "oversized": "raise"})


def seeds() -> Iterator[tuple[str, bytes]]:
    """The vectors, a few frames of each at a time."""
    for path in sorted(VECTORS.glob("*.json")):
        for number, vector in enumerate(json.loads(path.read_text(encoding="ascii"))):
            pairs = dict(vector["pairs"])
            keys = MAPS.index(pairs) if pairs in MAPS else 0
            data = "".join(vector["chunks"]).encode("latin-1")
            found = [frame.bytes for frame in frames(data, lines=vector["lines"])]
            known = PROTOCOL_NAMES.index(vector["options"]["protocol"])
            limit = 2 if "max_event_bytes" in vector["options"] else 0
            limit += len(LIMITS) * CONTENTS.index(vector["options"].get("content", "auto"))
            for start in range(0, max(1, len(found)), 8):
                part = b"".join(found[start : start + 8])
                if len(part) < LONGEST:
                    front = head(
                        known if start == 0 else PROTOCOL_NAMES.index(vector["format"]), keys, limit, 7
                    )
                    yield f"{path.stem}-{number}-{start}", front + part
    yield from in_places()


def in_places() -> Iterator[tuple[str, bytes]]:
    """Attacks and harmless texts in every format, with a policy that looks at places."""
    rng = Random(0)
    for kind, texts in SAID.items():
        for number, text in enumerate(texts):
            yield f"{kind}-{number}", judged(rng, text)


def judged(rng: Random, text: str) -> bytes:
    """A stream that says a text with a placeholder at each mark, and the head with a policy for it."""
    protocol = rng.choice(list(answer_streams.FORMATS))
    blocks = text.replace("§", "<P_1>").split("¦")
    events = answer_streams.FORMATS[protocol]([answer_streams.pieces(block, rng) for block in blocks])
    limit = len(LIMITS) * (rng.randrange(len(CONTENTS)) + len(CONTENTS) * rng.randrange(1, len(POLICIES)))
    front = head(PROTOCOL_NAMES.index(protocol), MAPS.index(RARE), limit, rng.randrange(75))
    return front + answer_streams.as_bytes(events, protocol)


def head(protocol: int = 0, keys: int = 0, limit: int = 0, size: int = 0) -> bytes:
    return bytes(ord("0") + number for number in (protocol, keys, limit, size))


def check(data: bytes) -> None:
    """Raises if the ways to restore the stream do not agree."""
    numbers = [byte - ord("0") for byte in data[:HEAD].ljust(HEAD, b"0")]
    protocol = PROTOCOL_NAMES[numbers[0] % len(PROTOCOL_NAMES)]
    pairs = MAPS[numbers[1] % len(MAPS)]
    content = CONTENTS[numbers[2] // len(LIMITS) % len(CONTENTS)]
    policy = POLICIES[numbers[2] // (len(LIMITS) * len(CONTENTS)) % len(POLICIES)]
    options = {"protocol": protocol, "content": content, "policy": policy, **LIMITS[numbers[2] % len(LIMITS)]}
    stream = data[HEAD:]
    result = restored_in_every_way(stream, pairs, options, numbers[3] % 256)
    if result.protocol not in PROTOCOLS:
        assert result.error or result.data == stream, "a stream of no known kind was changed"
    elif not result.error and "max_event_bytes" not in options:
        config = DeanonymizationConfig(content=content, policy=policy)
        says_what_its_chunks_say(stream, pairs, result.protocol, config)


def restored_in_every_way(stream: bytes, pairs: dict[str, str], options: dict[str, Any], size: int) -> Result:
    rng = Random(crc32(stream))
    marks = sorted(rng.randint(0, len(stream)) for _ in range(3))
    ways = [[stream], [stream[a:b] for a, b in zip([0, *marks], [*marks, len(stream)], strict=True)]]
    if size:
        ways.append(every(stream, size))
    if len(stream) <= SHORT:
        ways.append(every(stream, 1))
    expected: tuple[Result, Report | None] | None = None
    for matcher in (twin(pairs) for twin in TWINS):
        for lane in LANES:
            for reads in ways:
                restorer = made(matcher, options, lane)
                result = through(restorer, reads)
                # What was counted before an error depends on how much had come.
                got = result, None if result.error else restorer.report
                expected = expected or got
                assert got == expected, (name(matcher), dict(lane), len(reads))
    assert expected is not None
    return expected[0]


def every(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def is_object(line: bytes) -> bool:
    """Whether a line is an object; else it may be the first of those that one is spread over."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def says_what_its_chunks_say(
    stream: bytes, pairs: dict[str, str], protocol: str, config: DeanonymizationConfig
) -> None:
    """Its events by an independent reader, as far as a client reads."""
    first = stream.removeprefix(BOM).lstrip().partition(b"\n")[0]
    begin, lines = first[:1], first[:1] == b"{"
    if (
        begin in (b"[", b"\0")
        or (lines and not is_object(first))
        or (lines != (protocol == "ollama") and not HAS_LANE)
    ):
        return  # a framing that this reader, or the restorer, does not know
    given = read(stream, lines=lines)
    restorer = ChunkRestorer(pairs, config, protocol=protocol)
    expected, unchanged = [], []
    for frame in given:
        values = [doc.value for doc in frame.docs]
        out = [leaving for value in values for leaving in restorer.feed(value)]
        expected += out
        is_whole = not any(map(names_twice, frame.docs))
        if is_whole and len(out) == len(values) and all(map(is_same, out, values)):
            unchanged.append(frame.bytes)
    expected += restorer.flush()
    wire = WireRestorer(pairs, config, protocol=protocol)
    left = wire.feed(stream) + wire.flush()
    try:
        said = [
            texts_of_chunks(events, protocol)
            for events in (
                [doc.value for frame in read(left, lines=lines) for doc in frame.docs],
                expected,
            )
        ]
    except (TypeError, AttributeError):  # a shape that no reader of this format knows
        return
    assert said[0] == said[1], "restored bytes and restored values differ"
    at = 0
    for data in unchanged:
        at = left.find(data, at) + len(data)
        assert at >= len(data), "an event without a change was changed"


def names_twice(node: Node) -> bool:
    """Whether a name comes twice in an object: a value has the last member only, the bytes have both."""
    return len(set(node.names)) < len(node.names) or any(map(names_twice, node.items))


def is_same(one: Any, other: Any) -> bool:
    return one is other


def read(stream: bytes, *, lines: bool) -> list[Frame]:
    """The frames up to the end mark."""
    found = frames(stream, lines=lines)
    end = next((number for number, frame in enumerate(found) if frame.is_end_mark), len(found))
    return found[:end]


def mutate(data: bytes, rng: Random) -> bytes:
    """Another invented stream, frames of it put into this one, or an accident."""
    front, stream = data[:HEAD].ljust(HEAD, b"0"), data[HEAD:]
    kind = rng.random()
    if kind < 0.4:
        return front + hostile(rng, stream)
    if kind < 0.5:
        texts = SAID[rng.choice(("attacks", "harmless"))]
        return judged(rng, "".join(rng.choice(texts) for _ in range(rng.randint(1, 3))))
    protocol = rng.choice(PROTOCOLS)
    lines = (protocol == "ollama") != (rng.random() < 0.1)
    invented = wire_streams.invented(rng, protocol, lines=lines, most=rng.randint(1, 12)).data
    if kind < 0.6:
        known = rng.choice((0, PROTOCOL_NAMES.index(protocol)))
        return (
            head(
                known,
                rng.randrange(len(MAPS)),
                rng.randrange(4) + len(LIMITS) * rng.randrange(len(CONTENTS) * len(POLICIES)),
                rng.randrange(75),
            )
            + invented
        )
    found = [frame.bytes for frame in frames(stream, lines=lines)]
    more = [frame.bytes for frame in frames(invented, lines=lines)]
    at = rng.randint(0, len(found))
    return front + b"".join([*found[:at], rng.choice(more or [b""]), *found[at:]])
