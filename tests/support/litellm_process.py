"""``litellm --config`` in a process of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import free_port, litellm_environment

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def launched(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Start it in the folder of its ``config.yaml``, in a group of its own so that all of it ends.

    Yields its address, its master key and its log.
    """
    key, port, log = f"sk-{secrets.token_hex(16)}", free_port(), folder / "log"
    environment = {
        **os.environ,
        **litellm_environment(key),
        "HOLDBACK_KEY": secrets.token_hex(32),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUNBUFFERED": "1",
    }
    command = [str(Path(sys.executable).with_name("litellm")), "--config", "config.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 100
        while not is_alive(address):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("the proxy did not start:\n" + log.read_text(errors="replace")[-3000:])
            time.sleep(0.2)
        yield address, key, log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


def is_alive(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/liveliness", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False
