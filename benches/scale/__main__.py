"""Memory, ten thousand streams at once, and how every cost grows: `make bench-scale`.

    python -m benches.scale

Prints its tables and writes them to ``benches/SCALE.md``. Each cost is measured at several sizes of one thing, and the
exponent of its growth is the slope of a line through the logarithms. What the bound allows is 0 (the cost does not
notice) or 1 (it grows in proportion); ``MISSED`` marks what is more than ``SLACK`` above. A cost may grow more slowly
than its bound: where a fixed part is large it does.
"""

from __future__ import annotations

import asyncio
import json
import math
import platform
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benches.figures import table
from benches.micro.json_workloads import HARD
from benches.scale.memory import STREAMS, allocated_bytes, held, in_exact_python
from benches.workloads import (
    Prepare,
    cut,
    dict_chunks,
    feed_all,
    interleaved,
    native,
    pairs_of,
    prose,
    read_all,
    seeds,
    wire_reads,
)

from holdback import ChunkRestorer, WireRestorer, __version__, _pure, aio

PAGE = Path(__file__).resolve().parents[1] / "SCALE.md"
TWINS: dict[str, Any] = {name: twin for name, twin in (("native", native), ("pure", _pure)) if twin}
SLACK = 0.15
A_HUNDRED = 100  # streams: one alone is smaller than what the allocator keeps for itself
ROUNDS = 7
SEEDS = seeds()
KEYS = list(pairs_of("placeholders", 100))

Rows = list[list[str]]
Matcher = Callable[[Any], Any]


class Cost(NamedTuple):
    """What is measured, at these sizes; ``of`` makes the work, or the thing that holds the memory, of one size."""

    name: str
    grows_with: str
    sizes: Sequence[int]
    bound: int
    of: Callable[[Matcher, int], Callable[[], object]]


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of the line that fits best through the logarithms: least squares."""
    points = [
        (math.log(size), math.log(max(value, 1e-12))) for size, value in zip(sizes, values, strict=True)
    ]
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    across: float = sum((x - mean_x) * (y - mean_y) for x, y in points)
    along: float = sum((x - mean_x) ** 2 for x, _ in points)
    return across / along


# ---------------------------------------------------------------- the work


def long_keys(length: int, count: int = 100) -> dict[str, str]:
    """Keys that part at their beginnings, so that none is stored with another."""
    return {f"<{n:04}" + "k" * (length - 6) + ">": f"Original {n}" for n in range(count)}


def deep_key(length: int) -> dict[str, str]:
    """A text of "a" is one near-match without an end."""
    return {"a" * (length - 1) + "b": "x"}


def building(pairs: dict[str, str], compiled: Matcher) -> Callable[[], object]:
    """What is made at the first feed is part of it."""

    def build() -> object:
        matcher = compiled(pairs)
        matcher.stream().feed("<")
        return matcher

    return build


def feeding(
    pairs: dict[str, str], compiled: Matcher, text: str, size: int, **kind: bool
) -> Callable[[], object]:
    stream, pieces = compiled(pairs).stream(**kind), cut(text, size)
    stream.feed("")
    feed_all(stream, pieces[:100])  # what is made at the first feed is made
    return lambda: feed_all(stream, pieces)


def text_of(length: int, keys: int = 100) -> str:
    return prose(length, KEYS[:keys], 200, next(SEEDS))


def starting(compiled: Matcher, keys: int) -> Callable[[], object]:
    matcher = compiled(pairs_of("placeholders", keys))

    def start() -> None:
        for _ in range(2_000):
            matcher.stream()

    return start


def reading(compiled: Matcher, length: int, size: int) -> Callable[[], object]:
    feed = WireRestorer(compiled(HUNDRED)).feed
    reads = wire_reads(text_of(length), next(SEEDS), size)
    return lambda: read_all(feed, reads)


def taking_turns(compiled: Matcher, count: int) -> Callable[[], object]:
    """Streams that are all open: each is fed a piece, then each the next one."""
    matcher = compiled(HUNDRED)
    streams = [matcher.stream() for _ in range(count)]
    pieces = cut(text_of(20 * 16), 16)

    def turns() -> None:
        for piece in pieces:
            for stream in streams:
                stream.feed(piece)

    return turns


HUNDRED = pairs_of("placeholders", 100)
MANY = (1_000, 2_000, 4_000, 8_000, 16_000)
LENGTHS = (20_000, 40_000, 80_000, 160_000)

TIMES = [
    Cost("build", "number of keys", MANY, 1, lambda c, n: building(pairs_of("placeholders", n), c)),
    Cost("build, 100 keys", "key length", (100, 200, 400, 800), 1, lambda c, n: building(long_keys(n), c)),
    Cost("start of a stream", "number of keys", MANY, 0, starting),
    Cost("feed of 16", "number of keys", MANY, 0,
         lambda c, n: feeding(pairs_of("placeholders", n), c, text_of(20_000), 16)),
    Cost("feed of 16, near-match", "key length", MANY, 0, lambda c, n: feeding(deep_key(n), c, "a" * 40_000, 16)),
    Cost("feed in one chunk", "text length", LENGTHS, 1, lambda c, n: feeding(HUNDRED, c, text_of(n), n)),
    Cost("feed of 4", "chunk count", MANY, 1, lambda c, n: feeding(HUNDRED, c, text_of(4 * n), 4)),
    Cost("feed of 16, streams in turns", "number of streams", (100, 200, 400, 800), 1, taking_turns),
    Cost("JSON feed of 16, escapes", "text length", LENGTHS, 1,
         lambda c, n: feeding(HUNDRED, c, HARD["long escapes"](n), 16, json=True)),
    Cost("JSON feed of 16, nesting", "text length", LENGTHS, 1,
         lambda c, n: feeding(HUNDRED, c, HARD["deep nesting"](n), 16, json=True)),
    Cost("JSON feed of 16, near-match", "key length", MANY, 0,
         lambda c, n: feeding(deep_key(n), c, '"' + "a" * 40_000, 16, json=True)),
    Cost("bytes, reads of 4 KB", "text length", (7_000, 14_000, 28_000, 56_000), 1, lambda c, n: reading(c, n, 4096)),
    Cost("bytes, 14,000 code points", "size of a read", (1_024, 4_096, 16_384, 65_536), 0,
         lambda c, n: reading(c, 14_000, n)),
]  # fmt: skip


def fed(stream: Any, *pieces: Any) -> Any:
    for piece in pieces:
        stream.feed(piece)
    return stream


def opened(compiled: Matcher, count: int) -> Callable[[], object]:
    matcher, read = compiled(HUNDRED), wire_reads("Hello <PERSON", 1)[0]
    return lambda: [fed(WireRestorer(matcher), read) for _ in range(count)]


def after(compiled: Matcher, length: int, **kind: bool) -> Callable[[], object]:
    """Streams that have passed on so much text and hold a beginning of a key.

    Ten placeholders occur: how often each did is kept.
    """
    matcher, text = compiled(HUNDRED), text_of(length, 10)
    return lambda: [fed(matcher.stream(**kind), '"' + text, "<PERSON") for _ in range(A_HUNDRED)]


def after_reading(compiled: Matcher, length: int) -> Callable[[], object]:
    matcher, reads = compiled(HUNDRED), wire_reads(text_of(length, 10) + "<PERSON", 1)
    return lambda: [fed(WireRestorer(matcher), *reads) for _ in range(A_HUNDRED)]


def holding(compiled: Matcher, length: int, **kind: bool) -> Callable[[], object]:
    matcher = compiled(deep_key(length + 1))
    return lambda: [fed(matcher.stream(**kind), '"' + "a" * length) for _ in range(A_HUNDRED)]


SPACES = [
    Cost("matcher", "number of keys", MANY, 1, lambda c, n: building(pairs_of("placeholders", n), c)),
    Cost("matcher, 100 keys", "key length", (100, 200, 400, 800), 1, lambda c, n: building(long_keys(n), c)),
    Cost("byte streams, open", "number of streams", (1_000, 2_000, 4_000, 8_000), 1, opened),
    Cost("100 text streams", "text fed", LENGTHS, 0, after),
    Cost("100 JSON streams", "text fed", LENGTHS, 0, lambda c, n: after(c, n, json=True)),
    Cost("100 byte streams", "text fed", LENGTHS, 0, after_reading),
    Cost("100 text streams", "text held back", MANY, 0, holding),
    Cost("100 JSON streams", "text held back", MANY, 1, lambda c, n: holding(c, n, json=True)),
]


# ---------------------------------------------------------------- measuring


def seconds(cost: Cost, compiled: Matcher) -> list[float]:
    """At each size, measured in turns."""

    def prepare(size: int) -> Prepare:
        return lambda _: cost.of(compiled, size)

    return list(interleaved({str(size): prepare(size) for size in cost.sizes}, ROUNDS).values())


def space(cost: Cost, compiled: Matcher) -> list[float]:
    return [held(cost.of(compiled, size)) for size in cost.sizes]


def growth(costs: Sequence[Cost], measure: Callable[[Cost, Matcher], list[float]], unit: float) -> Rows:
    rows = [["cost", "grows with", "backend", "sizes", "measured", "exponent", "bound", ""]]
    for cost in costs:
        for name, twin in TWINS.items():
            values = measure(cost, twin.TrieMatcher)
            slope = exponent(cost.sizes, values)
            rows.append([
                cost.name, cost.grows_with, name,
                f"{cost.sizes[0]:,} to {cost.sizes[-1]:,}",
                f"{values[0] / unit:,.2f} to {values[-1] / unit:,.2f}",
                f"{slope:.2f}", str(cost.bound),
                "ok" if slope <= cost.bound + SLACK else "MISSED",
            ])  # fmt: skip
    return rows


def sizes() -> Rows:
    """Bytes of one of each, the streams in the middle of a placeholder."""
    rows = [["", *TWINS]]
    read, chunks = wire_reads("Hello <PERSON", 1)[0], dict_chunks(["Hello ", "<PERSON"])
    kinds: dict[str, Callable[[Any], Any]] = {
        "text stream": lambda matcher: fed(matcher.stream(), "Hello <PERSON"),
        "JSON stream": lambda matcher: fed(matcher.stream(json=True), '{"a": "<PERSON'),
        "byte stream (WireRestorer)": lambda matcher: fed(WireRestorer(matcher), read),
        "chunk stream (ChunkRestorer)": lambda matcher: fed_chunks(matcher, chunks),
    }
    for name, make in kinds.items():
        rows.append([name, *(f"{many_of(make, twin) / 1_000:,.0f}" for twin in TWINS.values())])
    for kind in ("placeholders", "invented"):
        small, big = (
            [matcher_bytes(twin, pairs_of(kind, n)) for twin in TWINS.values()] for n in (1_000, 9_000)
        )
        rows.append([f"matcher of 1,000 {kind}", *(f"{size:,}" for size in small)])
        rows.append(
            [f"one more key, {kind}", *(f"{(b - s) / 8_000:,.0f}" for s, b in zip(small, big, strict=True))]
        )
    rows.append(["matcher of 1 key", *(f"{matcher_bytes(twin, {'<A>': 'b'}):,}" for twin in TWINS.values())])
    return rows


def many_of(make: Callable[[Any], Any], twin: Any) -> int:
    """The bytes of 1,000 streams over one matcher."""
    matcher = twin.TrieMatcher(pairs_of("placeholders", 1_000))
    return held(lambda: [make(matcher) for _ in range(1_000)])


def matcher_bytes(twin: Any, pairs: dict[str, str]) -> int:
    return held(lambda: twin.TrieMatcher(pairs))


def fed_chunks(matcher: Any, chunks: Sequence[Any]) -> ChunkRestorer:
    restorer = ChunkRestorer(matcher)
    for chunk in chunks:
        restorer.feed(json.loads(json.dumps(chunk)))
    return restorer


async def at_once(matcher: Any) -> tuple[int, int]:
    """``STREAMS`` tasks, each stopped inside a placeholder; then all go on. How many end right, and bytes per task."""
    data = b"".join(wire_reads("Dear <PERSON_7>, hello <PERSON_77> and bye", 1))
    cut_at = data.index(b"PERS") + 2
    want = WireRestorer(matcher)
    right = want.feed(data) + want.flush()
    go_on, all_wait, waiting = asyncio.Event(), asyncio.Event(), 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal waiting
        yield data[:cut_at]
        waiting += 1
        if waiting == STREAMS:
            all_wait.set()
        await go_on.wait()
        yield data[cut_at:]

    async def follow() -> bytes:
        return b"".join([part async for part in aio.restore_bytes(source(), matcher)])

    before = allocated_bytes()
    tasks = [asyncio.create_task(follow()) for _ in range(STREAMS)]
    await all_wait.wait()
    grown = allocated_bytes() - before
    go_on.set()
    return sum(answer == right for answer in await asyncio.gather(*tasks)), grown // STREAMS


def crowd() -> Rows:
    rows = [["", "end right", "bytes per stream and task"]]
    for name, twin in TWINS.items():
        ended, each = asyncio.run(at_once(twin.TrieMatcher(pairs_of("placeholders", 1_000))))
        rows.append([f"{name}: {STREAMS:,} streams at once", f"{ended:,}", f"{each:,}"])
    return rows


# ---------------------------------------------------------------- telling


def markdown(title: str, rows: Rows) -> str:
    numbers = [all(not row[n] or row[n][0].isdigit() for row in rows[1:]) for n in range(len(rows[0]))]
    rule = ["--:" if number else "---" for number in numbers]
    return f"## {title}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], rule, *rows[1:]])


def main() -> None:
    if sys.argv[1:] == ["memory"]:  # in a Python whose memory can be counted exactly
        print(json.dumps([sizes(), crowd(), growth(SPACES, space, 1_000)]))
        return
    size, crowded, memory = json.loads(in_exact_python("benches.scale", "memory"))
    parts = {
        "Bytes of one": size,
        f"{STREAMS:,} streams in one program": crowded,
        "Growth of memory, KB": memory,
        "Growth of time, ms": growth(TIMES, seconds, 1e-3),
    }
    for title, rows in parts.items():
        table(title, rows)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    head = (
        "# Memory and scale\n\n"
        f"Written by `make bench-scale`: holdback {__version__}, {python}, {platform.system()} {platform.machine()}."
        "\n\n"
        "Memory is what the C library has allocated, Python's objects included; a stream is in the middle of a\n"
        "placeholder. Times are medians of processor time. An exponent is the slope through the logarithms of all\n"
        "sizes: 0 means that the cost does not notice, 1 that it grows in proportion. More than "
        f"{SLACK} above the bound\nis MISSED.\n"
    )
    PAGE.write_text("\n".join([head, *(markdown(*part) for part in parts.items())]), encoding="utf-8")


if __name__ == "__main__":
    main()
