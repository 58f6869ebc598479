"""How much memory things take. Asked of the C library where it can tell, else of the system.

``held`` is exact only in a Python whose objects come from the C library too: ``in_exact_python`` starts one.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benches.workloads import native, pairs_of, wire_reads

from holdback import WireRestorer, _pure

STREAMS = 10_000


def resident_bytes() -> int:
    """Of this machine's memory, what this program holds; 0 where that cannot be asked."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0


class _Info(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    ]


def allocated_bytes() -> int:
    """What is allocated and not freed; what is resident where the C library does not tell."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return resident_bytes()
    mallinfo.restype = _Info
    info = mallinfo()
    return int(info.uordblks + info.hblkhd)


def held(make: Callable[[], Any]) -> int:
    """The bytes that what ``make`` returns holds on to."""
    make()  # what is made once, at first use, is made
    gc.collect()
    before = allocated_bytes()
    made = make()
    gc.collect()
    after = allocated_bytes()
    del made
    return after - before


def in_exact_python(module: str, *arguments: str) -> str:
    """What ``python -m module`` prints when all of Python's memory comes from the C library."""
    command = [sys.executable, "-m", module, *arguments]
    env = os.environ | {"PYTHONMALLOC": "malloc"}
    return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def of_one() -> dict[str, dict[str, float]]:
    """Bytes that an open stream of chat events holds in the middle of a placeholder, and so does one channel of plain
    text, and one of JSON source."""
    found: dict[str, dict[str, float]] = json.loads(in_exact_python("benches.scale.memory"))
    return found


def _of_one(twin: Any) -> dict[str, float]:
    matcher = twin.TrieMatcher(pairs_of("placeholders", 1_000))

    def opened(piece: str, **kind: bool) -> list[Any]:
        streams = [matcher.stream(**kind) for _ in range(STREAMS)]
        for stream in streams:
            stream.feed(piece)
        return streams

    read = wire_reads("Hello <PERSON", 1)[0]
    return {
        "open stream": held(lambda: _open(matcher, read)) / STREAMS,
        "text channel": held(lambda: opened("Hello <PERSON")) / STREAMS,
        "JSON channel": held(lambda: opened('{"a": "<PERSON', json=True)) / STREAMS,
    }


def _open(matcher: Any, read: bytes) -> Sequence[WireRestorer]:
    streams = [WireRestorer(matcher) for _ in range(STREAMS)]
    for stream in streams:
        stream.feed(read)
    return streams


if __name__ == "__main__":  # in a Python whose memory can be counted exactly
    print(json.dumps({name: _of_one(twin) for name, twin in (("native", native), ("pure", _pure)) if twin}))
