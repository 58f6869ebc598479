"""Timings of matcher and buffer: `make bench`; `make bench FULL=1` for all key counts."""

from __future__ import annotations

from typing import Any

import pytest
from benches.workloads import (
    CHUNK_SIZES,
    DEEP_KEY,
    EVERY,
    FULL,
    KEY_SETS,
    OPENERS,
    QUICK_KEY_SETS,
    cut,
    feed_all,
    opened,
    pairs_of,
    prose,
    seeds,
)

ROUNDS = 15 if FULL else 5
CHOSEN_KEY_SETS = KEY_SETS if FULL else QUICK_KEY_SETS
RATES = list(EVERY) if FULL else ["rare"]
TWINS = [name for name in OPENERS if name != "privaite"]
SEEDS = seeds()


@pytest.mark.parametrize("contender", OPENERS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", CHUNK_SIZES)
@pytest.mark.parametrize(("kind", "count"), CHOSEN_KEY_SETS)
def test_feed(benchmark: Any, *, kind: str, count: int, size: int, rate: str, contender: str) -> None:
    """20,000 code points in pieces of one size."""
    benchmark.group = f"feed {size} code points, {count} {kind}, matches {rate}"
    open_stream, keys = opened(contender, kind, count), list(pairs_of(kind, count))

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (open_stream(), cut(prose(20_000, keys, EVERY[rate], next(SEEDS)), size)), {}

    benchmark.pedantic(feed_all, setup=fresh, rounds=ROUNDS)


@pytest.mark.parametrize("contender", [*TWINS, "str.find"])  # privaite: quadratic
def test_bulk(benchmark: Any, contender: str) -> None:
    """One feed of 4 MB, a match per 200 code points."""
    benchmark.group = "bulk, 4 MB, 100 placeholders"
    keys = list(pairs_of("placeholders", 100))

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (prose(4_000_000, keys, 200, next(SEEDS)),), {}

    if contender == "str.find":
        benchmark.pedantic(lambda text: text.find("\x01"), setup=fresh, rounds=3)
    else:
        open_stream = opened(contender, "placeholders", 100)
        benchmark.pedantic(lambda text: open_stream().feed(text), setup=fresh, rounds=3)


@pytest.mark.parametrize("contender", TWINS)  # privaite: seconds for 16,000
@pytest.mark.parametrize("length", [30_000, 120_000])
@pytest.mark.parametrize("size", CHUNK_SIZES)
def test_adversarial(benchmark: Any, contender: str, size: int, length: int) -> None:
    """The key a…ab of 2,001 on a text of a."""
    benchmark.group = f"adversarial, {size} code points a feed, {contender}"
    open_stream = OPENERS[contender](DEEP_KEY)
    benchmark.pedantic(feed_all, setup=lambda: ((open_stream(), cut("a" * length, size)), {}), rounds=3)


@pytest.mark.parametrize("contender", OPENERS)
@pytest.mark.parametrize(("kind", "count"), CHOSEN_KEY_SETS)
def test_set_up(benchmark: Any, kind: str, count: int, contender: str) -> None:
    """From a mapping to the first stream."""
    benchmark.group = f"set-up, {count} {kind}"
    pairs = pairs_of(kind, count)
    benchmark.pedantic(
        lambda fresh: OPENERS[contender](fresh)(), setup=lambda: ((dict(pairs),), {}), rounds=ROUNDS
    )


@pytest.mark.parametrize("contender", OPENERS)
def test_start(benchmark: Any, contender: str) -> None:
    """A stream over 10,000 keys that are compiled already, as far as the contender keeps that."""
    benchmark.group = "start of a stream, 10,000 placeholders"
    benchmark(opened(contender, "placeholders", 10_000))
