"""The runner's end of the line to a worker: a task out, an answer back, within a time.

A peer that crashes or hangs is a result (`Failed`), not the end of the run: its worker is ended, and the next task
gets a new one, which is told again about the vaults it must know.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benches.peers.roster import Peer

ROOT = Path(__file__).resolve().parents[2]
START = 60  # seconds for a worker to import its peer
CROSSING = 1 << 20


class Failed(Exception):
    """The peer raised, died or took too long; the message says which."""


class Link:
    """One peer's worker, started when it is needed."""

    def __init__(self, peer: Peer, python: Path, limit: float) -> None:
        self.peer = peer
        self._python = python
        self._limit = limit
        self._command: subprocess.Popen[bytes] | None = None
        self._vaults: dict[str, dict[str, str]] = {}
        self._rest = b""

    def vault(self, name: str, pairs: dict[str, str]) -> None:
        """Let the worker fill a vault and keep it under this name."""
        self._vaults[name] = pairs
        if self._command is not None:
            self._ask("vault", self._limit, vault=name, pairs=pairs)

    def ask(self, do: str, **task: Any) -> dict[str, Any]:
        """The worker's answer; ``Failed`` if there is none."""
        if self._command is None:
            self._start()
        return self._ask(do, self._limit, **task)

    def close(self) -> None:
        """End the worker, if it runs."""
        if self._command is not None:
            self._command.kill()
            self._command.communicate()
            self._command = None
            self._rest = b""

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOLDBACK_")}
        self._command = subprocess.Popen(
            [self._python, "-m", "benches.peers.worker", self.peer.adapter],
            cwd=ROOT,
            env=environment
            | {"PYTHONPATH": str(ROOT / "python"), "PYTHONHASHSEED": "0"}
            | self.peer.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._ask("hello", START)
        for name, pairs in self._vaults.items():
            self._ask("vault", self._limit, vault=name, pairs=pairs)

    def _ask(self, do: str, limit: float, **task: Any) -> dict[str, Any]:
        assert self._command is not None
        assert self._command.stdin is not None
        try:
            line = memoryview(json.dumps({"do": do, **task}).encode() + b"\n")
            while line:
                line = line[self._command.stdin.write(line) :]
            answer: dict[str, Any] = json.loads(self._line(time.monotonic() + limit, limit))
        except (BrokenPipeError, ValueError):
            self.close()
            raise Failed("crashed") from None
        except Failed:
            self.close()
            raise
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def _line(self, until: float, limit: float) -> bytes:
        assert self._command is not None
        assert self._command.stdout is not None
        pieces = [self._rest]
        while b"\n" not in pieces[-1]:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._command.stdout], [], [], left)[0]:
                raise Failed(f"over {limit:g} s")
            data = os.read(self._command.stdout.fileno(), CROSSING)
            if not data:
                raise Failed("crashed")
            pieces.append(data)
        line, _, self._rest = b"".join(pieces).partition(b"\n")
        return line


def python_of(environment: Path) -> Path:
    return environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
