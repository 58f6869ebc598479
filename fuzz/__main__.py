"""The fuzzer: `make fuzz SECONDS=60`, or ``python -m fuzz --seconds 60 [--seed N] [FINDING...]``.

Random but repeatable. Every case has a number of its own, drawn from the seed that is printed, and that number
alone gives the case. Two targets, in turns:

- ``wire``: a stream of bytes, invented, recorded, or a seed from ``seeds/``, and then damaged. It must come out the
  same whole, cut anywhere, with and without the fast path, and from both twins; no exception but the documented.
- ``core``: keys and a text, plain or JSON source. Pieces, the whole, and both twins must agree, and a plain text
  must agree with the oracle.

A case that fails is written to ``findings/``, with how to run it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent / "tests")]

import oracle  # noqa: E402 - found by the line above
import wires  # noqa: E402
from holdback import _backend, _pure  # noqa: E402
from holdback.protocols import PROTOCOLS  # noqa: E402
from holdback.wire import WireRestorer  # noqa: E402

FINDINGS = HERE / "findings"
SEEDS = [path.read_bytes() for path in sorted((HERE / "seeds").glob("*"))]
RECORDINGS = wires.recordings()
TWINS: list[Any] = [_pure.TrieMatcher, *([_backend.TrieMatcher] if _backend.BACKEND == "native" else [])]
KEYS = ("<P_1>", "<P_10>", "<", "/Q", "né", "Zo", "Zo G", '"q', "\\u", "\ud83d", "😀", "aab", "aaab", "\n")


def wire(rng: Random) -> Any:
    """One stream, in every way. Returns what describes it."""
    kind = rng.random()
    pairs = rng.choice((wires.PAIRS, wires.RARE))
    if kind < 0.7:
        data, protocol = wires.stream(rng)
    elif kind < 0.85 or not SEEDS:
        recording = rng.choice(RECORDINGS)
        found = wires.frames(recording.data, lines=recording.lines)
        start = rng.randrange(len(found))
        data = b"".join(found[start : start + rng.randint(1, 12)])
        pairs, protocol = recording.pairs, rng.choice(list(PROTOCOLS))
    else:
        data, protocol = rng.choice(SEEDS), rng.choice(list(PROTOCOLS))
    if rng.random() < 0.5:
        data = wires.hostile(rng, data)
    options: dict[str, Any] = {"protocol": rng.choice(("auto", protocol))}
    if rng.random() < 0.2:
        options["max_event_bytes"] = rng.randint(1, 500)
    case = {"data": data.decode("latin-1"), "pairs": pairs, "options": options}
    check(case, lambda: wire_agrees(data, pairs, options, rng))
    return case


def wire_agrees(data: bytes, pairs: dict[str, str], options: dict[str, Any], rng: Random) -> None:
    matchers = [twin(pairs) for twin in TWINS]
    expected = wires.through(wires.SlowWire(matchers[0], **options), [data])
    cuts = [[], [rng.randint(0, len(data))], *wires.marks(rng, data)]
    for matcher in matchers:
        for restorer in (WireRestorer, wires.SlowWire):
            for marks in cuts:
                got = wires.through(restorer(matcher, **options), wires.pieces(data, marks))
                assert got == expected, (restorer.__name__, type(matcher).__module__, marks)


def core(rng: Random) -> Any:
    """One text, in every way. Returns what describes it."""
    pairs = {key: rng.choice(wires.TEXTS) for key in rng.sample(KEYS, rng.randint(1, 5))}
    json_source = rng.random() < 0.6
    text = "".join(rng.choices((*KEYS, *wires.SOURCES), k=rng.randint(0, 14)))
    if json_source and rng.random() < 0.6:
        text = wires.spelled({"né": [text, {"a": text}], text: wires.spelled([text], rng)}, rng)
    cuts = [rng.randint(0, len(text)) for _ in range(rng.randint(0, 8))]
    case = {"text": text, "pairs": pairs, "json": json_source, "cuts": cuts}
    check(case, lambda: core_agrees(text, pairs, cuts, json_source=json_source))
    return case


def core_agrees(text: str, pairs: dict[str, str], cuts: list[int], *, json_source: bool) -> None:
    edges = [0, *sorted(cuts), len(text)]
    seen = []
    for twin in TWINS:
        matcher = twin(pairs)
        whole = matcher.replace(text, json=json_source)
        for marks in (edges, range(len(text) + 1)):
            stream = matcher.stream(json=json_source)
            steps = []
            for start, end in zip(marks, [*marks[1:], len(text)], strict=True):
                steps.append((stream.feed(text[start:end]), stream.pending))
            steps.append((stream.flush(), stream.pending))
            assert oracle.join_halves("".join(out for out, _ in steps)) == oracle.join_halves(whole)
            seen.append((twin.__module__, marks, whole, steps))
    by_marks = [[row[2:] for row in seen if row[1] is marks] for marks in (edges,)]
    for rows in by_marks:
        assert all(row == rows[0] for row in rows), "the twins differ"
    if not json_source:
        assert oracle.join_halves(seen[0][2]) == oracle.restore(pairs, text)


TARGETS: dict[str, Callable[[Random], Any]] = {"wire": wire, "core": core}


class Finding(Exception):
    """A case that failed, and why."""


def check(case: Any, agrees: Callable[[], None]) -> None:
    try:
        agrees()
    except Exception as error:  # whatever it is, it is a finding
        raise Finding(json.dumps({**case, "error": traceback.format_exc()}, indent=1)) from error


def main() -> int:
    """Run for a while; 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--target", choices=TARGETS, help="default: all, in turns")
    parser.add_argument("--case", type=int, help="one case alone, by its number")
    options = parser.parse_args()
    targets = [options.target] if options.target else list(TARGETS)
    twins = " and ".join(twin.__module__.removeprefix("holdback.") for twin in TWINS)
    print(f"seed {options.seed}, {', '.join(targets)} on {twins}, {options.seconds:g} s", flush=True)
    numbers = Random(options.seed)
    end = time.monotonic() + options.seconds
    cases = found = 0
    while time.monotonic() < end and found < 10:
        number = numbers.getrandbits(48) if options.case is None else options.case
        for name in targets:
            cases += 1
            try:
                TARGETS[name](Random(number))
            except Finding as finding:
                found += 1
                FINDINGS.mkdir(exist_ok=True)
                path = FINDINGS / f"{name}-{number}.json"
                path.write_text(str(finding), encoding="utf-8")
                print(f"FOUND {path}\n  again: python -m fuzz --target {name} --case {number}")
        if options.case is not None:
            break
    print(f"{cases} cases, {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
