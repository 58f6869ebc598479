"""Every peer that can be installed beside holdback, on the same work: `make bench-peers`.

    python -m benches.peers              writes benches/RESULTS.md and benches/charts/
    python -m benches.peers --quick      few rounds, to see that it works: writes into build/peers/
    python -m benches.peers --again      the pages once more, from the figures of the last run

The peers live in an environment of their own (`.venv-peers`); holdback runs there too, on both of its twins.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benches.peers import exact, page, speed
from benches.peers.link import ROOT, Failed, Link, python_of
from benches.peers.roster import OURS, PEERS

from holdback import __version__

LIMIT = 120  # seconds of the clock for one task; on a busy machine a tenth of that is computing
BUILD = ROOT / "build" / "peers"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-peers", help="where the peers are")
    parser.add_argument("--quick", action="store_true", help="few rounds, into build/peers/")
    parser.add_argument("--again", action="store_true", help="write the last run's pages again")
    parser.add_argument("--only", nargs="*", metavar="PEER", help="these peers only, into build/peers/")
    options = parser.parse_args()
    figures = BUILD / ("quick.json" if options.quick or options.only else "full.json")
    if not options.again:
        BUILD.mkdir(parents=True, exist_ok=True)
        found = run(python_of(options.environment), options.only, quick=options.quick)
        figures.write_text(json.dumps(found), encoding="utf-8")
    folder = BUILD if options.quick or options.only else ROOT / "benches"
    page.write(json.loads(figures.read_text(encoding="utf-8")), folder)
    print(f"written: {os.path.relpath(folder / 'RESULTS.md')}")


def run(python: Path, only: list[str] | None, *, quick: bool) -> dict[str, Any]:
    """Everything measured, as plain data."""
    peers = [peer for peer in PEERS if only is None or peer.name in only]
    links = [Link(peer, python, LIMIT) for peer in [*OURS, *peers]]
    abilities: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    where = machine(python)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    try:
        for link in links:
            try:
                abilities[link.peer.name] = link.ask("hello")
            except Failed as failed:
                missing[link.peer.name] = str(failed)
                link.close()
                say(f"{link.peer.name} cannot be run here: {failed}")
        links = [link for link in links if link.peer.name in abilities]
        say("exactness")
        exactness = {
            link.peer.name: [exact.ask(link, case, abilities[link.peer.name]) for case in exact.CASES]
            for link in links
        }
        measured = [measure._asdict() for measure in speed.measures(links, abilities, quick=quick, say=say)]
    finally:
        for link in links:
            link.close()
    return {
        "machine": where | {"load": f"{where['load']}, at the end {_load()}"},
        "quick": quick,
        "missing": missing,
        "cases": [[case.group, case.name] for case in exact.CASES],
        "exactness": exactness,
        "measures": measured,
    }


def machine(python: Path) -> dict[str, str]:
    """Where and when."""
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_implementation(), platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": _load(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": version.stdout.strip(),
        "holdback": f"{__version__} ({_commit()})",
    }


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "no commit"


if __name__ == "__main__":
    main()
