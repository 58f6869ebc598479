"""Placeholders that models rewrite, whole words and invented names: the figures to reach.

    python -m benches.micro.models           under a minute
    HOLDBACK_BENCH=full python -m benches.micro.models

Each ratio is of medians that were taken in turns. Timings never fail a build.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from benches.figures import Medians, figure, figures, ratio, table
from benches.workloads import (
    FULL,
    OPENERS,
    Prepare,
    cut,
    feed_all,
    interleaved,
    native,
    pairs_of,
    prose,
    seeds,
)

from holdback import _pure, spellings
from holdback.spellings import FORMS, USUAL

SEEDS = seeds()
TWINS = {name: twin for name, twin in (("native", native), ("pure", _pure)) if twin is not None}
ROUNDS = 15 if FULL else 7
FED = 30_000
COMPILED_IN = {("native", 10): 0.5, ("pure", 10): 0.5, ("native", 1_000): 30, ("pure", 1_000): 200}
"""Milliseconds, by twin and number of placeholders."""


def compiled(twin: Any, pairs: dict[str, str], forms: Iterable[str] = (), *, words: bool = False) -> Any:
    return twin.TrieMatcher(spellings(pairs, forms) if forms else pairs, words=words)


def feeding(matcher: Any, keys: list[str], size: int, fed: int = FED) -> Prepare:
    """A stream that is fed a text in pieces."""

    def fresh(_: int) -> Callable[[], object]:
        stream, pieces = matcher.stream(), cut(prose(fed, keys, 200, next(SEEDS)), size)
        return lambda: feed_all(stream, pieces)

    return fresh


def compiling() -> None:
    """The spellings of placeholders, from a mapping to the first stream."""
    rows = [["", "ms"]]
    for (name, count), limit in COMPILED_IN.items():
        if name not in TWINS:
            continue
        pairs, twin = pairs_of("placeholders", count), TWINS[name]

        def fresh(_: int, twin: Any = twin, pairs: dict[str, str] = pairs) -> Callable[[], object]:
            copy = dict(pairs)
            return lambda: compiled(twin, copy, USUAL).stream()

        seconds = interleaved({name: fresh}, 31 if count == 10 else ROUNDS)[name]
        rows.append([f"{name}, {count:,} placeholders", f"{seconds * 1e3:.2f}"])
        figure(f"{name}: spellings of {count:,} compiled", seconds * 1e3, at_most=limit, unit=" ms")
    table("set-up with spellings", rows)


def tolerating() -> None:
    """Feeds with and without spellings, and whole words on invented names."""
    rows = [["ns per feed", "plain", "spellings", "with bare", "words"]]
    for kind, limits in (
        ("placeholders", {"spellings": 1.3, "with bare": 2.0}),
        ("invented", {"words": 1.3}),
    ):
        pairs = pairs_of(kind, 1_000)
        keys = list(pairs)
        for name, twin in TWINS.items():
            matchers = {"plain": compiled(twin, pairs), "words": compiled(twin, pairs, words=True)}
            if kind == "placeholders":
                matchers["spellings"] = compiled(twin, pairs, USUAL)
                matchers["with bare"] = compiled(twin, pairs, FORMS, words=True)
            for size in (4, 64):
                medians = interleaved(
                    {what: feeding(matcher, keys, size) for what, matcher in matchers.items()}, ROUNDS
                )
                cells = [
                    f"{medians[what] / FED * size * 1e9:,.0f}" if what in medians else "-"
                    for what in rows[0][1:]
                ]
                rows.append([f"{name}, 1,000 {kind}, {size}", *cells])
                for what, limit in limits.items():
                    figure(
                        f"{name}, 1,000 {kind}, {what}, {size} code points: against without",
                        ratio(medians, what, "plain"),
                        at_most=limit,
                    )
            if kind == "placeholders" and name == "native":
                length = 4_000_000
                bulk = {
                    what: feeding(matchers[what], keys, length, length) for what in ("spellings", "with bare")
                }
                for what, seconds in interleaved(bulk, 3).items():
                    least = 1 if what == "spellings" else 0.5
                    figure(f"native bulk, {what}", length / seconds / 1e9, at_least=least, unit=" GB/s")
    table("feeds with spellings, and of whole words", rows)


def growing() -> None:
    """The exponents of growth with whole words: 1 is linear."""
    rows = [["exponent", "text", "keys"]]
    for name, twin in TWINS.items():
        pairs = pairs_of("invented", 1_000)
        matcher, keys = compiled(twin, pairs, words=True), list(pairs)
        lengths = (20_000, 160_000)
        text = interleaved({str(n): feeding(matcher, keys, 64, n) for n in lengths}, 5)
        counts = (500, 4_000)

        def compiling_of(count: int, twin: Any = twin) -> Prepare:
            pairs = pairs_of("invented", count)
            return lambda _: lambda: compiled(twin, pairs, words=True)

        made = interleaved({str(n): compiling_of(n) for n in counts}, 5)
        found = {"text": exponent(text, lengths), "keys": exponent(made, counts)}
        rows.append([name, *(f"{value:.2f}" for value in found.values())])
        for what, value in found.items():
            figure(f"{name}, whole words: exponent of growth with {what}", value, at_most=1.15, unit="")
    table("growth with whole words", rows)


def exponent(medians: Medians, sizes: tuple[int, int]) -> float:
    small, large = sizes
    return math.log(medians[str(large)] / medians[str(small)]) / math.log(large / small)


def beside_privaite() -> None:
    """Invented names in pieces of 4, where nearly every word begins like one."""
    pairs = pairs_of("invented", 1_000)
    keys = list(pairs)

    def fresh_of(contender: str) -> Prepare:
        open_stream = OPENERS[contender](pairs)

        def fresh(_: int) -> Callable[[], object]:
            stream, pieces = open_stream(), cut(prose(FED, keys, 200, next(SEEDS)), 4)
            return lambda: feed_all(stream, pieces)

        return fresh

    medians = interleaved({contender: fresh_of(contender) for contender in OPENERS}, ROUNDS)
    rows = [["", "ns"]] + [[name, f"{seconds / FED * 4e9:,.0f}"] for name, seconds in medians.items()]
    table("1,000 invented names, 4 code points a feed", rows)
    figure(
        "native, 1,000 invented names, 4: against privaite", ratio(medians, "privaite", "native"), at_least=15
    )
    figure("pure, 1,000 invented names, 4: against privaite", ratio(medians, "privaite", "pure"), at_least=1)


def main() -> None:
    """Measure everything, print everything."""
    for measure in (compiling, tolerating, growing, beside_privaite):
        measure()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
