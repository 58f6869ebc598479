"""Timings of the way out: `make bench`. A chat request of 100 KB, 1,000 known values."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from benches.workloads import FULL
from pydantic_core import from_json

from holdback import TrieMatcher
from holdback.masking import KnownValues, Masker, Pattern, Patterns, Placeholders

ROUNDS = 200 if FULL else 40
RANDOM = random.Random(20)
WORDS = ["".join(RANDOM.choice("etaoinshrdlu") for _ in range(RANDOM.randint(2, 9))) for _ in range(3000)]


def name() -> str:
    return " ".join(RANDOM.choice(WORDS).capitalize() for _ in range(2))


VALUES = {name(): "PERSON" for _ in range(1000)}
FOUND = {"none": 0, "a value in ten messages": 10, "three values in each message": 1}
PATTERNS: dict[str, str | Pattern] = {
    "EMAIL": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "CARD": Pattern(r"\b(?:\d[ -]?){12,18}\d\b", "luhn"),
    "PHONE": Pattern(r"\+\d[\d ()-]{4,20}\d", "phone"),
}


def request(every: int) -> bytes:
    """Fifty messages of two kilobytes."""
    messages = []
    for number in range(50):
        words = [RANDOM.choice(WORDS) for _ in range(310)]
        if every and number % every == 0:
            for value in RANDOM.sample(list(VALUES), 3 if every == 1 else 1):
                words[RANDOM.randrange(310)] = value
        messages.append({"role": RANDOM.choice(["user", "assistant"]), "content": " ".join(words)})
    return json.dumps({"model": "m", "messages": messages}).encode()


def contenders(body: bytes) -> dict[str, Callable[[], Any]]:
    request = json.loads(body)
    text = "\n".join(message["content"] for message in request["messages"])
    matcher = TrieMatcher({value: f"<PERSON_{number}>" for number, value in enumerate(VALUES)})
    known = Masker(KnownValues(VALUES), Placeholders(bytes(32)))
    patterns = {engine: Patterns(PATTERNS, engine=engine) for engine in ("re", "auto")}
    return {
        "one parse (from_json)": lambda: from_json(body),
        "the matcher's replace, all text at once": lambda: matcher.replace(text),
        "mask, bytes": lambda: known.mask(body, scope="s", protocol="openai-chat"),
        "mask, dict": lambda: known.mask(request, scope="s", protocol="openai-chat"),
        "patterns alone, re": lambda: patterns["re"](text),
        f"patterns alone, {patterns['auto'].engine} (installed)": lambda: patterns["auto"](text),
    }


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize("contender", range(6))
def test_masking(benchmark: Any, found: str, contender: int) -> None:
    what, work = list(contenders(request(FOUND[found])).items())[contender]
    benchmark.group = f"masking, {found}"
    benchmark.name = what
    benchmark.pedantic(work, rounds=ROUNDS, warmup_rounds=2)
