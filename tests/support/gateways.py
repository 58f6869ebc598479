"""The command ``holdback gateway`` in a process of its own, on a socket that listens before it is there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = bytes(range(32)).hex()
VALUES = {
    "PERSON": ['Ada "Countess" Lovelace', "Mira Okafor"],
    "EMAIL": ["ada@example.org"],
    "CITY": ["Zürich 😀"],
}
ADA, MIRA, MAIL, CITY = (value for values in VALUES.values() for value in values)


def needs_gateway() -> None:
    """Skip where the packages of the extra are missing."""
    for package in ("starlette", "uvicorn", "httpx", "pydantic_settings"):
        pytest.importorskip(package)


class Gateway:
    """A gateway that runs."""

    def __init__(self, listener: socket.socket, process: subprocess.Popen[str]) -> None:
        self.port: int = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = process
        self.said: list[str] = []
        """Its standard error, by lines."""
        self.log: list[dict[str, Any]] = []
        """Its access log."""
        self._readers = [
            threading.Thread(target=lambda: self.said.extend(process.stderr or ()), daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_log(self) -> None:
        for line in self.process.stdout or ():
            if line.endswith("\n"):  # not so the last line of one that was killed
                self.log.append(json.loads(line))

    def end(self, how: int = signal.SIGTERM) -> None:
        """End it, and read the rest of what it says."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=60)
        for reader in self._readers:
            reader.join(timeout=20)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@contextmanager
def running(
    upstream: str,
    folder: Path,
    *options: object,
    settings: str = "",
    environment: Mapping[str, str] | None = None,
    values: Mapping[str, Sequence[str]] = VALUES,
    listener: socket.socket | None = None,
    secret: Sequence[str] = (ADA, MIRA, MAIL, CITY),
) -> Iterator[Gateway]:
    """A gateway in front of ``upstream``; at its end nothing that it said may hold a value."""
    folder.mkdir(exist_ok=True)
    files = {"values.json": json.dumps(values), "gateway.toml": settings}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)
    own = listener or socket.create_server(("127.0.0.1", 0), backlog=1024)
    command = [sys.executable, "-m", "holdback", "gateway", "--upstream", upstream, "--fd", own.fileno()]
    command += ["--values", "values.json", "--config", "gateway.toml", *options]
    process = subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, "PYTHONPATH": str(ROOT / "python"), **(environment or {})},
        cwd=folder,
        pass_fds=[own.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    gateway = Gateway(own, process)
    if listener is None:
        own.close()
    try:
        yield gateway
    finally:
        gateway.end()
    shown = "".join(gateway.said) + json.dumps(gateway.log, ensure_ascii=False)
    assert not any(value in shown for value in secret), "the gateway logs no value"
