"""What masking costs beside what it is made of, and how that grows: a part of `make bench`.

A chat request of 100 KB and 1,000 known values. The target: at most one parse of the request and half as much again as
the matcher's own pass over the same text. Patterns are the operator's expressions, whose cost is theirs: they are shown
beside the engines alone.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from benches.figures import figure, figures, table
from benches.micro.bench_masking import FOUND, PATTERNS, VALUES, WORDS, contenders, name, request
from benches.scale.__main__ import exponent
from benches.workloads import FULL, interleaved, optional

from holdback.masking import KnownValues, Masker, Patterns, Placeholders

ROUNDS = 300 if FULL else 60
PARSE, REPLACE = "one parse (from_json)", "the matcher's replace, all text at once"
SLACK = 0.15


def medians(work: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """In microseconds, measured in turns."""

    def prepared(run: Callable[[], Any]) -> Callable[[int], Callable[[], Any]]:
        return lambda _: run

    found = interleaved({what: prepared(run) for what, run in work.items()}, ROUNDS)
    return {what: seconds * 1e6 for what, seconds in found.items()}


def beside_its_parts() -> None:
    """The figure, for requests in which nothing, little and much is found."""
    rows: list[list[str]] = []
    for found, every in FOUND.items():
        work = {what: run for what, run in contenders(request(every)).items() if "patterns" not in what}
        took = medians(work)
        allowed = took[PARSE] + 1.5 * took[REPLACE]
        rows = rows or [["us", *took, "parse and 1.5 replace"]]
        rows.append([found, *(f"{each:,.0f}" for each in took.values()), f"{allowed:,.0f}"])
        figure(
            f"masking 100 KB, {found}: against parse and 1.5 replace",
            took["mask, bytes"] / allowed,
            at_most=1,
        )
    table("masking a chat request of 100 KB, 1,000 known values", rows)


def patterns() -> None:
    """Patterns, beside their engines alone."""
    text = "\n".join(message["content"] for message in json.loads(request(1))["messages"])
    text += " mira@example.org 4111 1111 1111 1111 +44 20 7946 0958" * 20
    expressions = [given if isinstance(given, str) else given.expression for given in PATTERNS.values()]
    work: dict[str, Callable[[], Any]] = {}
    alone = [re.compile(expression) for expression in expressions]
    work["re alone"] = lambda: [list(each.finditer(text)) for each in alone]
    ours = Patterns(PATTERNS, engine="re")
    work["Patterns, re"] = lambda: ours(text)
    if (re2 := optional("re2")) is not None:
        linear = [re2.compile(expression) for expression in expressions]
        work["RE2 alone"] = lambda: [list(each.finditer(text)) for each in linear]
        ours_linear = Patterns(PATTERNS, engine="re2")
        work["Patterns, RE2"] = lambda: ours_linear(text)
    rows = [["us", "100 KB"], *([what, f"{took:,.0f}"] for what, took in medians(work).items())]
    table("three patterns over the same text", rows)


def body(messages: int, length: int, found: int) -> bytes:
    """A request of so many messages of so many words, with so many of the known values in all."""
    lots = random.Random(messages * length)
    values = list(VALUES)
    words = [[lots.choice(WORDS) for _ in range(length)] for _ in range(messages)]
    for number in range(found):
        words[number % messages][lots.randrange(length)] = values[number % len(values)]
    said = [{"role": "user", "content": " ".join(each)} for each in words]
    return json.dumps({"model": "m", "messages": said}).encode()


def growth() -> None:
    """How the cost grows with each thing, and whether that is in proportion at most."""
    known = Masker(KnownValues(VALUES), Placeholders(bytes(32)))
    many = {
        count: {**VALUES, **{name(): "PERSON" for _ in range(count)}}
        for count in (2_000, 4_000, 8_000, 16_000)
    }
    maskers = {count: Masker(KnownValues(values), Placeholders(bytes(32))) for count, values in many.items()}
    found = Patterns(PATTERNS)
    guessing = Masker(found, Placeholders(bytes(32)))
    sizes = (20, 40, 80, 160, 320)
    costs: dict[str, tuple[int, dict[int, Callable[[], Any]]]] = {
        "length of a message": (1, {n: masking(known, body(10, 10 * n, 10)) for n in sizes}),
        "number of messages": (1, {n: masking(known, body(n, 100, 10)) for n in sizes}),
        "messages that are documents": (1, {n: masking(known, documents(n)) for n in sizes}),
        "values found": (1, {n: masking(known, body(20, 600, n)) for n in sizes}),
        "values known": (0, {n: masking(masker, body(20, 300, 10)) for n, masker in maskers.items()}),
        f"length, patterns ({found.engine})": (
            1,
            {n: masking(guessing, body(10, 10 * n, 10)) for n in sizes},
        ),
    }
    rows = [["grows with", "sizes", "us", "exponent", "bound", ""]]
    for what, (bound, works) in costs.items():
        took = list(medians({str(size): work for size, work in works.items()}).values())
        slope = exponent(list(works), took)
        judged = "ok" if slope <= bound + SLACK else "MISSED"
        from_to = f"{min(works):,} to {max(works):,}", f"{took[0]:,.0f} to {took[-1]:,.0f}"
        rows.append([what, *from_to, f"{slope:.2f}", str(bound), judged])
        figure(f"masking, {what}: exponent of growth", slope, at_most=bound + SLACK, unit="")
    table("how masking grows", rows)


def masking(masker: Masker, source: bytes) -> Callable[[], Any]:
    return lambda: masker.mask(source, scope="s", protocol="openai-chat")


def documents(count: int) -> bytes:
    """Tool results, each a document in a string."""
    lots = random.Random(count)
    results = [json.dumps({"rows": [lots.choice(WORDS) for _ in range(100)]}) for _ in range(count)]
    said = [{"role": "tool", "tool_call_id": "c", "content": result} for result in results]
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": next(iter(VALUES))}, *said]}
    ).encode()


def main() -> None:
    """Measure everything, print everything."""
    for measure in (beside_its_parts, patterns, growth):
        measure()
    table("figures", [("", "measured", "target", ""), *figures])


if __name__ == "__main__":
    main()
