"""Runs one Python target: ``python -m fuzz.guided TARGET [libFuzzer options] FOLDER...``; ``python -m fuzz`` starts it.

With Atheris, which is libFuzzer for Python, the inputs are guided by the coverage of holdback. Where it cannot be
installed the same target runs on inputs changed at random, and fewer findings are to be hoped for.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from random import Random
from types import ModuleType

try:
    import atheris
except ModuleNotFoundError:
    atheris = None

HERE = Path(__file__).resolve().parent
OF_THE_TARGET = 0.4
"""How often an input is changed by the target's own ``mutate``, which knows what it means; else by libFuzzer."""


def load(name: str) -> ModuleType:
    sys.path[:0] = [str(HERE.parent / folder) for folder in ("python", "tests", "tests/support")]
    return importlib.import_module(f"fuzz.{name}")


def guided(name: str, arguments: list[str]) -> None:
    """libFuzzer ends the program itself."""
    with atheris.instrument_imports(include=["holdback"], enable_loader_override=False):
        target = load(name)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = Random(seed)
        changed = target.mutate(data, rng) if rng.random() < OF_THE_TARGET else data
        if changed is data or len(changed) > max_size:
            changed = atheris.Mutate(data, max_size)
        return bytes(changed)

    atheris.Setup([name, *arguments], target.check, custom_mutator=mutate)
    atheris.Fuzz()


def unguided(name: str, arguments: list[str]) -> None:
    """The few options of libFuzzer that are used, and its words."""
    target = load(name)
    given = dict(option[1:].split("=", 1) for option in arguments if option.startswith("-"))
    places = [Path(argument) for argument in arguments if not argument.startswith("-")]
    files = [path for place in places for path in (sorted(place.glob("*")) if place.is_dir() else [place])]
    inputs = [path.read_bytes()[: target.LONGEST] for path in files] or [b""]
    rng = Random(int(given.get("seed", 0)))
    seconds = float(given.get("max_total_time", 0))
    count = 0

    def run(data: bytes) -> None:
        nonlocal count
        count += 1
        try:
            target.check(data)
        except Exception:
            found = Path(f"{given.get('artifact_prefix', '')}crash-{count}")
            found.write_bytes(data)
            print(f"Test unit written to {found}", flush=True)
            raise

    end = time.monotonic() + seconds
    for data in inputs:
        run(data)
    while True:
        data = rng.choice(inputs)
        for _ in range(rng.randint(1, 3)):
            data = target.mutate(data, rng)[: target.LONGEST]
        run(data)
        if time.monotonic() >= end:
            break
    print(f"stat::number_of_executed_units: {count}")


if __name__ == "__main__":
    (guided if atheris else unguided)(sys.argv[1], sys.argv[2:])
