"""The gateways of the soak, processes of their own, and what they use: memory, descriptors, threads, counters."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benches.soak.upstream import VALUE

ROOT = Path(__file__).resolve().parents[2]
NO_LINE = "a line that is no JSON"
KEY = bytes(range(7, 39)).hex()


class Gateway:
    """A gateway that runs; its access log is counted and not kept."""

    def __init__(self, listener: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self.port: int = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = process
        self.log: Counter[tuple[int, str]] = Counter()
        """Requests by status and end."""
        self.values_logged = 0
        self.said: list[str] = []
        self._readers = [
            threading.Thread(target=read, daemon=True) for read in (self._read_log, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    def _read_log(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.values_logged += VALUE.search(line) is not None
            try:
                entry = json.loads(line)
            except ValueError:
                self.log[0, NO_LINE] += 1
            else:
                self.log[entry["status"], entry["ended"]] += 1

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.values_logged += VALUE.search(line) is not None
            self.said = [*self.said[-99:], line.decode(errors="replace")]

    def end(self) -> int:
        """End it in order; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for reader in self._readers:
            reader.join(timeout=20)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return status

    # ---------------------------------------------------------------- what it uses

    def pids(self) -> list[int]:
        """The process, and those that it has started."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, task.read_text().split())
        return found

    def memory(self) -> float:
        """Megabytes that are its own: not what it shares with files."""
        total = 0
        for pid in self.pids():
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(re.findall(r"RssAnon:\s+(\d+)", status)[0])
        return total / 1024

    def descriptors(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())  # noqa: PTH208

    def threads(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in self.pids())  # noqa: PTH208

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=60) as page:
            return str(page.read().decode())


def counter(page: str, name: str) -> float:
    """The sum of a counter over its labels."""
    return sum(map(float, re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", page, re.MULTILINE)))


@contextmanager
def running(
    upstream: str, folder: Path, settings: str, people: Sequence[str], store: str, workers: int
) -> Iterator[Gateway]:
    """A gateway in front of ``upstream``."""
    folder.mkdir()
    for name, text in {"values.json": json.dumps({"PERSON": people}), "gateway.toml": settings}.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        command = [sys.executable, "-m", "holdback", "gateway", "--upstream", upstream]
        command += ["--fd", str(listener.fileno()), "--values", "values.json", "--config", "gateway.toml"]
        command += ["--workers", str(workers)]
        environment = {"HOLDBACK_GATEWAY_KEY": KEY, "HOLDBACK_GATEWAY_STORE": store}
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **environment},
            cwd=folder,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        gateway = Gateway(listener, process)
    try:
        yield gateway
    finally:
        gateway.end()
