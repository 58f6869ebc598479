"""Timings of the byte layer: `make bench`."""

from __future__ import annotations

from typing import Any

import pytest
from benches.workloads import FULL, pairs_of, prose, read_all, seeds, wire_reads, wires

PAIRS = pairs_of("placeholders", 100)
CONTENDERS = wires(PAIRS)
SEEDS = seeds()


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize(("what", "every"), [("a match per 200 code points", 200), ("nothing like a key", 0)])
def test_chat_events(benchmark: Any, what: str, every: int, contender: str) -> None:
    """4,000 chat events of 250 bytes or so, in reads of 4 KB."""
    benchmark.group = f"bytes, {what}"

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        seed = next(SEEDS)
        return (CONTENDERS[contender](), wire_reads(prose(28_000, list(PAIRS), every, seed), seed)), {}

    benchmark.pedantic(read_all, setup=fresh, rounds=15 if FULL else 7)
