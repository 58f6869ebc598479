"""Timings of the handlers, chunk stream in and SSE strings out: `make bench`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from benches.workloads import (
    FULL,
    consume,
    dict_chunks,
    handlers,
    object_chunks,
    optional,
    pairs_of,
    prose,
    seeds,
    tokens,
)

PAIRS = pairs_of("placeholders", 100)
HANDLERS = handlers(PAIRS)
KINDS = {"dicts": dict_chunks, "objects": object_chunks}
SEEDS = seeds()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("contender", HANDLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_handler(benchmark: Any, kind: str, contender: str, loop: asyncio.AbstractEventLoop) -> None:
    """2,000 chat chunks or so, a match per 200 code points."""
    if kind == "objects" and optional("litellm") is None:
        pytest.skip("LiteLLM is not installed")
    benchmark.group = f"handler, {kind}"

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        seed = next(SEEDS)
        return (
            HANDLERS[contender],
            KINDS[kind](tokens(prose(14_000, list(PAIRS), 200, seed), seed)),
            loop,
        ), {}

    benchmark.pedantic(consume, setup=fresh, rounds=15 if FULL else 7)
