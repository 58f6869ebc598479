"""The figures to reach, each measured in turns with what it is compared to.

    python -m benches.micro.report           under a minute
    HOLDBACK_BENCH=full python -m benches.micro.report

Prints the medians and then every figure with its target: `ok`, `MISSED`, or `-` where its peer is not
installed. What is slower than a peer, or than doing nothing, is printed too. Timings never fail a build.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benches.figures import Medians, figure, figures, ratio, table
from benches.micro.json_workloads import HARD, MATCHERS, SOURCES, long_value
from benches.micro.json_workloads import feeding as feeding_json
from benches.scale.memory import STREAMS, of_one
from benches.workloads import (
    CHUNK_SIZES,
    DEEP_KEY,
    ENGLISH,
    EVERY,
    FULL,
    KEY_SETS,
    MANY_SCRIPTS,
    OPENERS,
    QUICK_KEY_SETS,
    Prepare,
    consume,
    cut,
    dict_chunks,
    feed_all,
    handlers,
    interleaved,
    object_chunks,
    opened,
    optional,
    pairs_of,
    prose,
    read_all,
    seeds,
    tokens,
    wire_reads,
    wires,
)

from holdback import PIIMapping, StreamingDeAnonymizer, __version__

SEEDS = seeds()
PLACEHOLDERS = pairs_of("placeholders", 100)
KEYS = list(PLACEHOLDERS)
TWINS = [name for name in OPENERS if name != "privaite"]
ROUNDS = 21 if FULL else 7
FED = 60_000  # code points of a text that is fed in small pieces


def times(medians: Medians, per: float, names: Sequence[str]) -> list[str]:
    """Nanoseconds per unit of each contender."""
    return [f"{medians[name] / per * 1e9:,.0f}" if name in medians else "-" for name in names]


# ---------------------------------------------------------------- feed


def feeding(kind: str, count: int, *, size: int, every: int, vocabulary: str = ENGLISH) -> Medians:
    """Seconds to feed ``FED`` code points in pieces of ``size``."""
    keys = list(pairs_of(kind, count))

    def prepare(contender: str) -> Prepare:
        def fresh(_: int) -> Callable[[], object]:
            stream = opened(contender, kind, count)()
            pieces = cut(prose(FED, keys, every, next(SEEDS), vocabulary), size)
            return lambda: feed_all(stream, pieces)

        return fresh

    return interleaved({contender: prepare(contender) for contender in OPENERS}, ROUNDS)


def feed() -> None:
    """Small pieces: what a streaming answer is made of."""
    names = ["native", "pure", "privaite"]
    rows = [["keys, matches, code points", *names]]
    for kind, count in KEY_SETS if FULL else QUICK_KEY_SETS:
        for rate, every in EVERY.items():
            if not FULL and rate != "rare":
                continue
            for size in CHUNK_SIZES:
                medians = feeding(kind, count, size=size, every=every)
                rows.append([f"{count} {kind}, {rate}, {size}", *times(medians, FED / size, names)])
                if rate == "rare" and (kind, count) in QUICK_KEY_SETS:
                    targets(f"{size} code points, {count} {kind}", size, medians)
    for size in (4, 64):
        medians = feeding("placeholders", 100, size=size, every=200, vocabulary=MANY_SCRIPTS)
        rows.append([f"100 placeholders, text of many scripts, {size}", *times(medians, FED / size, names)])
    table("feed, ns per call", rows)


def targets(what: str, size: int, medians: Medians) -> None:
    """The figures for pieces of 4 and 64 code points."""
    if size == 4:
        figure(f"native feed of {what}: against privaite", ratio(medians, "privaite", "native"), at_least=40)
        figure(f"native feed of {what}: against pure", ratio(medians, "pure", "native"), at_least=3)
        figure(f"pure feed of {what}: against privaite", ratio(medians, "privaite", "pure"), at_least=6)
    elif size == 64:
        figure(f"native feed of {what}: against privaite", ratio(medians, "privaite", "native"), at_least=150)
        figure(f"pure feed of {what}: against privaite", ratio(medians, "privaite", "pure"), at_least=20)


def bulk() -> None:
    """One feed of 4 MB, against memchr's best case on the same kind of string."""
    length = 4_000_000

    def prepare(contender: str) -> Prepare:
        def fresh(_: int) -> Callable[[], object]:
            text = prose(length, KEYS, 200, next(SEEDS))
            if contender == "str.find":
                return lambda: text.find("\x01")
            stream = opened(contender, "placeholders", 100)()
            return lambda: stream.feed(text)

        return fresh

    medians = interleaved({name: prepare(name) for name in [*TWINS, "str.find"]}, 7 if FULL else 3)
    rows = [["", "GB/s"]] + [[name, f"{length / seconds / 1e9:.2f}"] for name, seconds in medians.items()]
    table("bulk: one feed of 4 MB, 100 placeholders, a match per 200 code points", rows)
    speed = length / medians["native"] / 1e9 if "native" in medians else None
    figure("native bulk text", speed, at_least=1.5, unit=" GB/s")
    figure("native bulk text: time against str.find", ratio(medians, "native", "str.find"), at_most=10)


def json_channels() -> None:
    """JSON source beside plain text, per code point, and sources that a channel must not look back on."""
    rows = [["ns per code point", *MATCHERS]]
    for size in (4, 64):
        for name, source in SOURCES.items():
            contenders = {f"{twin} JSON": feeding_json(twin, source, 40_000, size) for twin in MATCHERS}
            contenders |= {f"{twin} plain": feeding_json(twin, None, 40_000, size) for twin in MATCHERS}
            medians = interleaved(contenders, ROUNDS)
            rows.append(
                [
                    f"{name}, {size} a feed",
                    *(f"{medians[f'{twin} JSON'] / 4e4 * 1e9:,.1f}" for twin in MATCHERS),
                ]
            )
            what = f"native JSON, {name}, {size} code points: against plain"
            figure(
                what, ratio(medians, "native JSON", "native plain"), at_most=3 if source is long_value else 8
            )
    for name, source in HARD.items():
        sizes = (50_000, 200_000)
        contenders = {
            f"{twin} {length}": feeding_json(twin, source, length, length)
            for twin in MATCHERS
            for length in sizes
        }
        medians = interleaved(contenders, 3)
        rows.append(
            [f"{name}, 200,000", *(f"{medians[f'{twin} 200000'] / 2e5 * 1e9:,.1f}" for twin in MATCHERS)]
        )
        for twin in MATCHERS:
            growth = medians[f"{twin} 200000"] / medians[f"{twin} 50000"] / 4
            figure(f"{twin} JSON, {name}: 200,000 against 50,000, per code point", growth, at_most=1.5)
    table("JSON channel", rows)
    if "native" in MATCHERS:
        seconds = interleaved({"bulk": feeding_json("native", long_value, 4_000_000, 5_000_000)}, 3)["bulk"]
        figure("native JSON bulk", 4 / seconds, at_least=200, unit=" MB/s")


def adversarial() -> None:
    """Near-matches that never end: the cost per code point must not notice."""
    short, long = 30_000, 120_000

    def prepare(contender: str, size: int, text: Callable[[], str]) -> Prepare:
        open_stream = OPENERS[contender](DEEP_KEY)

        def fresh(_: int) -> Callable[[], object]:
            stream, pieces = open_stream(), cut(text(), size)
            return lambda: feed_all(stream, pieces)

        return fresh

    rows = [["", "plain text", f"{short:,} a", f"{long:,} a"]]
    for contender in TWINS:
        for size in CHUNK_SIZES:
            medians = interleaved(
                {
                    "plain": prepare(contender, size, lambda: prose(short, [], 0, next(SEEDS))),
                    "short": prepare(contender, size, lambda: "a" * short),
                    "long": prepare(contender, size, lambda: "a" * long),
                },
                ROUNDS if FULL else 5,
            )
            per = {"plain": short, "short": short, "long": long}
            rows.append(
                [f"{contender}, {size} code points"]
                + [f"{medians[k] / per[k] * 1e9:.1f}" for k in ("plain", "short", "long")]
            )
            if size == 4:
                limit = 4 if contender == "native" else 8
                figure(
                    f"{contender}, a…a in 4s: against plain text",
                    medians["short"] / medians["plain"],
                    at_most=limit,
                )
            growth = medians["long"] / medians["short"] / (long / short)
            figure(
                f"{contender}, a…a in {size}s: 120,000 against 30,000, per code point", growth, at_most=1.25
            )
    table(f"adversarial: key a…ab of {len(next(iter(DEEP_KEY))):,}, ns per code point", rows)


def set_up() -> None:
    """From a mapping to a first stream, and to each one after it."""
    rows = [["", "ms"]]
    for kind, count in KEY_SETS if FULL else [("placeholders", 1_000), ("invented", 1_000)]:
        pairs = pairs_of(kind, count)

        def prepare(contender: str, pairs: dict[str, str] = pairs) -> Prepare:
            def fresh(_: int) -> Callable[[], object]:
                if contender == "privaite":
                    return OPENERS[contender](dict(pairs))  # its mapping is made; a stream compiles it
                copy = dict(pairs)
                return lambda: OPENERS[contender](copy)()  # noqa: PLW0108  compiling is what is timed

            return fresh

        medians = interleaved({name: prepare(name) for name in OPENERS}, 5)
        rows += [[f"{count} {kind}, {name}", f"{seconds * 1e3:.2f}"] for name, seconds in medians.items()]
    table("set-up: compile a mapping and start a stream (privaite does so for every stream)", rows)

    mapping = PIIMapping()
    for fake, original in pairs_of("placeholders", 10_000).items():
        mapping.add(original, fake, "PERSON")
    StreamingDeAnonymizer(mapping)
    repeat = range(1_000)

    def many(start: Callable[[], object]) -> Prepare:
        def work() -> None:
            for _ in repeat:
                start()

        return lambda _: work

    starts = {f"{name} TrieMatcher": many(opened(name, "placeholders", 10_000)) for name in TWINS}
    starts["PIIMapping"] = many(lambda: StreamingDeAnonymizer(mapping))
    medians = interleaved(starts, ROUNDS)
    table(
        "start: a stream over 10,000 compiled keys",
        [["", "ns"]] + [[name, f"{seconds / len(repeat) * 1e9:,.0f}"] for name, seconds in medians.items()],
    )
    if "native" in TWINS:
        for name in ("native TrieMatcher", "PIIMapping"):
            figure(f"start of a stream: {name}", medians[name] / len(repeat) * 1e6, at_most=2, unit=" us")


def handling() -> None:
    """Whole handlers: a chunk stream in, SSE strings out."""
    contenders = handlers(PLACEHOLDERS)
    best = "native" if "native" in contenders else "pure"
    loop = asyncio.new_event_loop()
    length = 14_000
    kinds: dict[str, tuple[Callable[[Sequence[str]], list[Any]], float, float]] = {
        "dicts": (dict_chunks, 4.8, 1.45)
    }
    if optional("litellm") is not None:
        kinds["objects"] = (object_chunks, 2.9, 1.4)
    rows = [["", *kinds]]
    columns: list[Medians] = []
    for kind, (make, against_privaite, on_off) in kinds.items():

        def prepare(name: str, make: Callable[[Sequence[str]], list[Any]] = make) -> Prepare:
            def fresh(_: int) -> Callable[[], object]:
                seed = next(SEEDS)
                chunks = make(tokens(prose(length, KEYS, 200, seed), seed))
                return lambda: consume(contenders[name], chunks, loop)

            return fresh

        medians = interleaved({name: prepare(name) for name in contenders}, ROUNDS)
        columns.append(medians)
        figure(
            f"handler, {kind}: against privaite", ratio(medians, "privaite", best), at_least=against_privaite
        )
        figure(f"handler, {kind}: restoring on against off", ratio(medians, best, "off"), at_most=on_off)
    if "objects" not in kinds:
        figure("handler, objects: against privaite", None, at_least=2.9)
        figure("handler, objects: restoring on against off", None, at_most=1.4)
    per = length / 7  # the mean length of a token
    rows += [[name, *(f"{medians[name] / per * 1e6:.2f}" for medians in columns)] for name in contenders]
    table("handler: us per chunk, about 2,000 chunks, a match per 200 code points", rows)
    loop.close()


def wiring() -> None:
    """Raw bytes: chat events of 250 bytes in reads of 4 KB."""
    contenders = wires(PLACEHOLDERS)
    length = 28_000
    rows = [["", *contenders]]
    for what, every, differ, at_least in (
        ("a match per 200 code points", 200, False, {"native": 40, "pure": 2}),
        ("the same, another time in each", 200, True, {"native": 12}),
        ("nothing like a key", 0, False, {"native": 20, "pure": 2, "native, text": 80}),
    ):

        def prepare(name: str, every: int = every, *, differ: bool = differ) -> Prepare:
            def fresh(_: int) -> Callable[[], object]:
                seed = next(SEEDS)
                reads = wire_reads(prose(length, KEYS, every, seed), seed, differ=differ)
                feed_bytes = contenders[name]()
                return lambda: read_all(feed_bytes, reads)

            return fresh

        medians = interleaved({name: prepare(name) for name in contenders}, ROUNDS)
        rows.append([what, *(f"{length / 7 / seconds / 1e3:,.0f}" for seconds in medians.values())])
        for name, least in at_least.items():
            figure(
                f"{name} bytes, {what}: against by hand",
                ratio(medians, f"{name.partition(',')[0]} by hand", name),
                at_least=least,
            )
    table("bytes: chat events of 250 bytes, reads of 4 KB, thousand events per second", rows)


def memory() -> None:
    """What one of many open streams and channels over one mapping holds, each in the middle of a placeholder."""
    most = {"open stream": 2.0, "text channel": 0.15, "JSON channel": 0.7}
    found = of_one()
    rows = [["", *most]]
    for name, sizes in found.items():
        rows.append([name, *(f"{sizes[what]:,.0f}" for what in most)])
    table(f"memory: one of {STREAMS:,} over 1,000 keys, bytes", rows)
    for what, size in found.get("native", {}).items():
        figure(f"native: bytes per {what}", size / 1e3, at_most=most[what], unit=" KB")


def main() -> None:
    """Measure everything, print everything."""
    peers = ", ".join(name for name in ("privaite", "litellm") if optional(name) is not None) or "none"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"holdback {__version__}, {python}, peers: {peers}")
    for measure in (feed, bulk, json_channels, adversarial, set_up, handling, wiring, memory):
        measure()
        sys.stdout.flush()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
