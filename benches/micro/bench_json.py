"""Timings of the JSON channels: `make bench`."""

from __future__ import annotations

from typing import Any

import pytest
from benches.micro.json_workloads import HARD, MATCHERS, SOURCES, feeding
from benches.workloads import FULL

ROUNDS = 15 if FULL else 5


@pytest.mark.parametrize("contender", MATCHERS)
@pytest.mark.parametrize("size", [4, 64])
@pytest.mark.parametrize("source", ["plain text", *SOURCES])
def test_feed(benchmark: Any, source: str, size: int, contender: str) -> None:
    """40,000 code points, fed in pieces."""
    benchmark.group = f"JSON channel, {size} code points a feed"
    prepare = feeding(contender, SOURCES.get(source), 40_000, size)
    benchmark.pedantic(lambda work: work(), setup=lambda: ((prepare(0),), {}), rounds=ROUNDS)


@pytest.mark.parametrize("contender", MATCHERS)
@pytest.mark.parametrize("length", [50_000, 200_000])
@pytest.mark.parametrize("source", HARD)
def test_hard_source(benchmark: Any, source: str, length: int, contender: str) -> None:
    """The time must grow with the source and no faster."""
    benchmark.group = f"JSON channel, {source}"
    prepare = feeding(contender, HARD[source], length, length)
    benchmark.pedantic(lambda work: work(), setup=lambda: ((prepare(0),), {}), rounds=ROUNDS)
