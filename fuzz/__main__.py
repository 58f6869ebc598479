"""The fuzzer: `make fuzz SECONDS=60`, or ``python -m fuzz [--seconds 60] [--seed N] [TARGET...]``.

Runs the targets in turns, each for its share of the time and in a program of its own; `README.md` tells what they
are. What they learn is kept in ``corpus/``, what they find in ``findings/``: ``python -m fuzz FINDING...`` runs those
inputs again.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz import guided

HERE = Path(__file__).resolve().parent
FINDINGS, CORPUS, SEEDS, CRATE = HERE / "findings", HERE / "corpus", HERE / "seeds", HERE / "core"
TARGETS = {"core": "twins", "twins": "twins", "places": "places", "wire": "wire"}
"""Each with the Python target that has the same kind of input."""


def main() -> int:
    """Run for a while; 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("--seconds", type=float, default=60, help="all targets together")
    parser.add_argument("--seed", type=int, default=0, help="repeats a run as far as the machine is as quick")
    parser.add_argument("what", nargs="*", metavar="TARGET|FINDING", help="default: all targets")
    options = parser.parse_args()
    names = [name for name in options.what if name in TARGETS]
    again = [Path(name) for name in options.what if name not in TARGETS]
    if again:
        return max(run_again(path) for path in again)
    commands = {name: command(name) for name in names or TARGETS}
    able = {name: words for name, words in commands.items() if words}
    FINDINGS.mkdir(exist_ok=True)
    return max(run(name, words, options.seconds / len(able), options.seed) for name, words in able.items())


def command(name: str) -> list[str] | None:
    """How to start a target; None if this machine cannot."""
    if name != "core":
        if importlib.util.find_spec("atheris") is None:
            print(f"{name}: without Atheris, so the inputs are not guided by coverage")
        return [sys.executable, "-m", "fuzz.guided", name]
    missing = [tool for tool in ("cargo", os.environ.get("CXX", "c++")) if shutil.which(tool) is None]
    if missing:
        print(f"core: not run, there is no {' and no '.join(missing)} here")
        return None
    about = subprocess.run(["rustc", "-vV"], stdout=subprocess.PIPE, text=True, check=True).stdout
    host = about.partition("host: ")[2].split()[0]
    # Named, so that build scripts are built without coverage.
    building = ["cargo", "build", "--quiet", "--release", "--locked", "--target", host]
    subprocess.run(building, cwd=CRATE, check=True)
    return [str(CRATE / "target" / host / "release" / "core")]


def run(name: str, words: list[str], seconds: float, seed: int) -> int:
    """Run a target for so long; 1 if something was found."""
    target = guided.load(TARGETS[name])
    own, log = CORPUS / name, FINDINGS / f"{name}.log"
    own.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for seed_name, data in target.seeds():
            (Path(folder) / seed_name).write_bytes(data)
        others = [CORPUS / other for other in TARGETS if other != name and TARGETS[other] == TARGETS[name]]
        arguments = [
            f"-max_total_time={seconds:.0f}",
            f"-seed={seed}",
            f"-max_len={target.LONGEST}",
            f"-dict={HERE / 'words.dict'}",
            f"-artifact_prefix={FINDINGS / name}-",
            "-timeout=60",
            "-print_final_stats=1",
            *map(str, (own, SEEDS / target.INPUTS, folder, *filter(Path.exists, others))),
        ]
        with log.open("w", encoding="utf-8") as out:
            code = subprocess.run(
                [*words, *arguments], cwd=HERE.parent, stdout=out, stderr=subprocess.STDOUT, check=False
            ).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    print(f"{name}: {summary(said)}", flush=True)
    if code:
        print(*said.splitlines()[-40:], sep="\n")
        for path in re.findall(r"Test unit written to (\S+)", said):
            print(f"FOUND {path}\n  again: python -m fuzz {path}")
    return int(code != 0)


def summary(said: str) -> str:
    count = re.findall(r"stat::number_of_executed_units: (\d+)", said) or re.findall(
        r"^#(\d+)", said, re.MULTILINE
    )
    covered = re.findall(r" cov: (\d+) ft: (\d+)", said)
    words = f"{count[-1] if count else 0} inputs"
    return words + (f", {covered[-1][0]} places and {covered[-1][1]} features reached" if covered else "")


def run_again(path: Path) -> int:
    """Run one input again, as its name says by which target; 1 if it still fails."""
    name = path.name.partition("-")[0]
    words = command(name) if name in TARGETS else None
    if words is None:
        raise SystemExit(
            f"which target? {path.name} should begin with one of {', '.join(TARGETS)} and a dash"
        )
    return int(subprocess.run([*words, str(path.resolve())], cwd=HERE.parent, check=False).returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
