"""The command ``holdback``: in a process of its own, or called here, where a process more would prove nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

import pytest

import holdback
from holdback import cli

Backend = Literal["native", "pure"]
Called = tuple[int, bytes, str]
"""The exit code, what was written, and what was said."""


def environment(backend: Backend = "pure", **extra: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOLDBACK_")}
    env.pop("PYTHONUNBUFFERED", None)  # it would hide a buffer that is in the way
    env["PYTHONPATH"] = str(
        Path(holdback.__file__).parent.parent
    )  # what is tested here, in the tree or installed
    env["HOLDBACK_PURE" if backend == "pure" else "HOLDBACK_REQUIRE_NATIVE"] = "1"
    return env | extra


def start(
    *arguments: object, backend: Backend = "pure", stdout: int | IO[bytes] = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "holdback", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(backend),
    )


def run(*arguments: object, data: bytes = b"", backend: Backend = "pure") -> Called:
    with start(*arguments, backend=backend) as command:
        out, err = command.communicate(data, timeout=60)
    return command.returncode, out, err.decode()


def caller(captured: pytest.CaptureFixture[bytes], folder: Path) -> Callable[..., Called]:
    """``run``, but in this process, on its twin, with standard input from a file in that folder."""

    def call(*arguments: object, data: bytes = b"") -> Called:
        given = folder / "standard input"
        given.write_bytes(data)
        before = os.dup(0)
        with given.open("rb") as source:
            os.dup2(source.fileno(), 0)
        try:
            code = cli.main(list(map(str, arguments)))
        finally:
            os.dup2(before, 0)
            os.close(before)
        out, err = captured.readouterr()
        return code, out, err.decode()

    return call
