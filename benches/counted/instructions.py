"""The guard against a slower core that noise cannot fool: instructions are counted, not seconds.

    python -m benches.counted.instructions check
    python -m benches.counted.instructions record [--why "what is bought with it"]

Valgrind counts what fixed work executes (``rust/core/benches/workloads.rs``, ``benches/counted/work.py``), whatever
else the machine does. Each work runs a few times and some times more; the difference is its own, without the
program's start.
``benches/counted/instructions.json`` holds the counts of each kind of machine, and the reason for each that rose.

What is compared, and how strictly:

- same compiler (for the works in Python, same Python and pydantic-core too): a count may rise by 2 %, in Python by 3 %;
- another compiler or interpreter: by 15 %, and the check says so. A work in Python is left out under another 3.x;
- another kind of machine (memchr and the C library choose their code by the processor): nothing can be compared, and
  the check says so. It passes, since counts of other code would be nonsense; `make bench-record` adds the kind.

A count that fell passes too; recording it keeps a later rise from hiding in the gap.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benches.figures import table

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("instructions.json")

IN_PYTHON = "Python: "  # how the names of benches/counted/work.py begin
SAME, SAME_IN_PYTHON, OTHER = 0.02, 0.03, 0.15
NEEDS_A_REASON = 0.01  # a rise from one record to the next, so that many small ones do not add up unseen
TIMES = (2, 10)

Counts = Mapping[str, int]


class Machine(NamedTuple):
    """What the counts depend on."""

    kind: str  # the processor, as far as code is chosen by it
    tools: dict[str, str]

    @classmethod
    def here(cls) -> Machine:
        valgrind = shutil.which("valgrind")
        if valgrind is None:
            sys.exit(
                "instructions: valgrind is needed to count and is not installed (Debian: apt-get install valgrind)"
            )
        tools = {
            "rustc": said("rustc", "--version").split()[1],
            "valgrind": said(valgrind, "--version").strip().removeprefix("valgrind-"),
            "python": platform.python_version(),
            "pydantic_core": version("pydantic_core"),
        }
        return cls(kind(), tools)


def kind() -> str:
    """Valgrind passes AVX2 on, and hides what is newer."""
    info = Path("/proc/cpuinfo")
    vectors = " with AVX2" if info.exists() and re.search(r"\bavx2\b", info.read_text()) else ""
    return f"{platform.system()} {platform.machine()}{vectors}"


def said(*command: str | Path, **env: str) -> str:
    run: subprocess.CompletedProcess[str] = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return run.stdout


# ---------------------------------------------------------------- counting


def count_all() -> dict[str, int]:
    """Every work: instructions for doing it once."""
    core = [built()]
    python = [sys.executable, "-m", "benches.counted.work"]
    counts = {}
    for program in (core, python):
        for name in said(*program).splitlines():
            said(*program, name, "1")  # not counted: Python compiles what it has not compiled yet
            counts[name] = count([*program, name])
    return counts


def built() -> str:
    """The Rust workloads, as the release is compiled."""
    lines = said(
        "cargo",
        "build",
        "--release",
        "--locked",
        "--package=holdback-core",
        "--bench=workloads",
        "--message-format=json-render-diagnostics",
    ).splitlines()
    messages = [json.loads(line) for line in lines]
    built = (message for message in messages if message.get("executable"))
    return str(next(message["executable"] for message in built if message["target"]["name"] == "workloads"))


def count(command: list[str]) -> int:
    """The instructions of one more time."""
    few, many = (executed([*command, str(times)]) for times in TIMES)
    if many <= few:
        sys.exit(
            f"instructions: {command[-1]} cannot be counted while something else changes what it runs on"
        )
    return round((many - few) / (TIMES[1] - TIMES[0]))


def executed(command: list[str]) -> int:
    """All instructions of a program, in an environment that is always the same."""
    env = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    valgrind = [shutil.which("valgrind") or "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    run = subprocess.run(
        [*valgrind, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or found is None:
        sys.exit(f"instructions: {' '.join(command)} did not run under valgrind:\n{run.stderr}")
    return int(found[1])


# ---------------------------------------------------------------- comparing


class Row(NamedTuple):
    """One work: what it cost, what it costs, and what that means."""

    name: str
    before: int | None
    now: int | None
    verdict: str
    fails: bool = False


def allowed(name: str, recorded: Mapping[str, str], here: Mapping[str, str]) -> float | None:
    """By how much this count may rise; None: it cannot be compared."""
    in_python = name.startswith(IN_PYTHON)
    relevant = ("rustc", "valgrind", "python", "pydantic_core") if in_python else ("rustc", "valgrind")
    if in_python and minor(recorded["python"]) != minor(here["python"]):
        return None
    if any(recorded[tool] != here[tool] for tool in relevant):
        return OTHER
    return SAME_IN_PYTHON if in_python else SAME


def minor(python: str) -> list[str]:
    return python.split(".")[:2]


def compare(recorded: Mapping[str, Any], machine: Machine, counts: Counts) -> list[Row]:
    """Each work beside its record."""
    return [
        judge(
            name,
            recorded["counts"].get(name),
            counts.get(name),
            allowed(name, recorded["tools"], machine.tools),
        )
        for name in recorded["counts"] | dict(counts)
    ]


def judge(name: str, entry: Mapping[str, Any] | None, now: int | None, tolerance: float | None) -> Row:
    if entry is None:
        return Row(name, None, now, "NOT RECORDED", fails=True)
    before = entry["instructions"]
    if now is None:
        return Row(name, before, None, "GONE", fails=True)
    if tolerance is None:
        return Row(name, before, now, "not compared: another Python")
    change = now / before - 1
    if now > before * (1 + tolerance):
        return Row(name, before, now, f"ROSE by more than {tolerance:.0%}", fails=True)
    return Row(name, before, now, "fell: record it" if change < -tolerance else "ok")


def shown(rows: Iterable[Row]) -> list[list[str]]:
    head = ["", "recorded", "now", "change", ""]
    return [head] + [
        [
            row.name,
            "-" if row.before is None else f"{row.before:,}",
            "-" if row.now is None else f"{row.now:,}",
            f"{row.now / row.before - 1:+.2%}" if row.before and row.now else "",
            row.verdict,
        ]
        for row in rows
    ]


def check(record: Mapping[str, Any], machine: Machine) -> None:
    """Count and compare; a rise ends the program."""
    recorded = record.get(machine.kind)
    if recorded is None:
        known = ", ".join(record) or "none"
        print(f"bench-check: NOTHING COMPARED. No counts of {machine.kind} are recorded, only of: {known}.")
        print("bench-check: on another processor other code runs. `make bench-record` adds this kind.")
        return
    differ = {
        tool: (was, machine.tools[tool])
        for tool, was in recorded["tools"].items()
        if was != machine.tools[tool]
    }
    for tool, (was, now) in differ.items():
        print(
            f"bench-check: recorded with {tool} {was}, here is {now}: what depends on it may rise by {OTHER:.0%}"
        )
    rows = compare(recorded, machine, count_all())
    table(f"instructions, {machine.kind}", shown(rows))
    if any(row.fails for row in rows):
        sys.exit(
            'bench-check: the record does not allow this. Worth it? make bench-record WHY="..." says so in it.'
        )


# ---------------------------------------------------------------- recording


def rerecorded(old: Mapping[str, Any] | None, machine: Machine, counts: Counts, why: str) -> dict[str, Any]:
    """The new record of this kind of machine. What rose is noted with its reason; earlier reasons stay."""
    entries = {}
    for name, now in counts.items():
        entry = dict((old or {"counts": {}})["counts"].get(name, {}))
        before = entry.get("instructions")
        if before is not None and now > before * (1 + NEEDS_A_REASON):
            if not why:
                sys.exit(
                    f'instructions: {name} rose from {before:,} to {now:,}; say what for: make bench-record WHY="..."'
                )
            entry["rose"] = [*entry.get("rose", []), {"from": before, "to": now, "why": why}]
        entries[name] = {"instructions": now} | ({"rose": entry["rose"]} if "rose" in entry else {})
    return {"tools": machine.tools, "counts": entries}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["check", "record"])
    parser.add_argument("--why", default="", help="the reason for every count that rose")
    arguments = parser.parse_args()
    machine = Machine.here()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if arguments.what == "check":
        check(record, machine)
        return
    record[machine.kind] = rerecorded(record.get(machine.kind), machine, count_all(), arguments.why.strip())
    RECORD.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"instructions: {len(record[machine.kind]['counts'])} counts of {machine.kind} recorded")


if __name__ == "__main__":
    main()
