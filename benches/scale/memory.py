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
import tracemalloc
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


def per_open_stream() -> dict[str, tuple[float, float]]:
    """Bytes per raw byte stream in the middle of a placeholder, traced and resident, of each twin."""
    found = {}
    for name, twin in (("native", native), ("pure", _pure)):
        if twin is None:
            continue
        matcher = twin.TrieMatcher(pairs_of("placeholders", 1_000))
        read = wire_reads("Hello <PERSON", 1)[0]
        gc.collect()
        tracemalloc.start()
        streams = _open(matcher, read)
        traced = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del streams
        gc.collect()
        resident = resident_bytes()
        streams = _open(matcher, read)
        found[name] = (traced / STREAMS, (resident_bytes() - resident) / STREAMS)
        del streams
    return found


def per_channel() -> dict[str, dict[str, float]]:
    """Bytes that one channel of plain text, and one of JSON source, holds in the middle of a placeholder."""
    found: dict[str, dict[str, float]] = json.loads(in_exact_python("benches.scale.memory"))
    return found


def _channels(twin: Any) -> dict[str, float]:
    matcher = twin.TrieMatcher(pairs_of("placeholders", 1_000))

    def opened(piece: str, **kind: bool) -> list[Any]:
        streams = [matcher.stream(**kind) for _ in range(STREAMS)]
        for stream in streams:
            stream.feed(piece)
        return streams

    return {
        "text": held(lambda: opened("Hello <PERSON")) / STREAMS,
        "JSON": held(lambda: opened('{"a": "<PERSON', json=True)) / STREAMS,
    }


def _open(matcher: Any, read: bytes) -> Sequence[WireRestorer]:
    streams = [WireRestorer(matcher) for _ in range(STREAMS)]
    for stream in streams:
        stream.feed(read)
    return streams


if __name__ == "__main__":  # in a Python whose memory can be counted exactly
    print(json.dumps({name: _channels(twin) for name, twin in (("native", native), ("pure", _pure)) if twin}))
