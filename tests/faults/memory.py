"""What a piece of work leaves behind, by two accounts: Python's own, and the system's for what the native twin has.

Both are taken when the work has been done a few times before, so that caches are warm, and after a collection.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")
PAGE = 4096


def resident() -> int:
    """The resident set in bytes, as far as the system tells; where it does not, nothing ever grows."""
    return int(_STATM.read_text().split()[1]) * PAGE if _STATM.exists() else 0


def kept(work: Callable[[], object], times: int = 8) -> int:
    """The bytes that Python still has after doing the work some times, beyond those after doing it twice."""
    with traced():
        for _ in range(2):
            work()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(times):
            work()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    return after - before


def kept_resident(work: Callable[[], object], times: int) -> int:
    """The same of the process's resident set."""
    for _ in range(3):
        work()
    gc.collect()
    before = resident()
    for _ in range(times):
        work()
    gc.collect()
    return resident() - before


def peak(work: Callable[[], object]) -> int:
    """The most bytes that Python had at once while doing the work, beyond those it had before."""
    gc.collect()
    with traced():
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
