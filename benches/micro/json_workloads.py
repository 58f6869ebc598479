"""JSON source as tool calls stream it, and what could be hard about it; the plain channel beside it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from benches.workloads import Prepare, cut, feed_all, native, pairs_of, prose, seeds

from holdback import _pure

PAIRS = pairs_of("placeholders", 100)
KEYS = list(PAIRS)
SEEDS = seeds()
MATCHERS: dict[str, Any] = {
    **({"native": native.TrieMatcher(PAIRS)} if native else {}),
    "pure": _pure.TrieMatcher(PAIRS),
}


def long_value(length: int) -> str:
    """A document of one long string value."""
    return f'{{"text":"{prose(length, KEYS, 200, next(SEEDS))}"}}'


def structured(length: int) -> str:
    """Tool arguments of many short members, a placeholder in each."""
    rng = random.Random(next(SEEDS))
    documents = (
        {
            "to": rng.choice(KEYS),
            "n": n,
            "ok": True,
            "subject": prose(30, KEYS, 0, next(SEEDS)),
            "tags": ["a", "b"],
        }
        for n in range(length // 100)
    )
    return json.dumps(list(documents))


SOURCES: dict[str, Callable[[int], str]] = {"one long value": long_value, "structured": structured}

HARD: dict[str, Callable[[int], str]] = {
    "long escapes": lambda length: '"' + "\\u0061" * (length // 6),
    "near-matches": lambda length: '"' + "<PERSON_" * (length // 8),
    "deep nesting": lambda length: '["' + '[{\\"a\\":' * (length // 9),
}
"""Sources on which a channel that looks back would be quadratic."""


def feeding(contender: str, source: Callable[[int], str] | None, length: int, size: int) -> Prepare:
    """Feed a source in pieces; plain text, as plain text, if there is none."""

    def fresh(_: int) -> Callable[[], object]:
        text = prose(length, KEYS, 200, next(SEEDS)) if source is None else source(length)
        stream = MATCHERS[contender].stream(json=source is not None)
        pieces = cut(text, size)
        return lambda: feed_all(stream, pieces)

    return fresh
