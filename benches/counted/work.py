"""Fixed work through the native extension, to count instructions of: `make bench-check`.

    python -m benches.counted.work              the names
    python -m benches.counted.work NAME TIMES   do this work so many times

Every run of a name does the same: fixed seeds, a fixed hash seed (``benches.counted.instructions`` sets it), no garbage
collector. What is counted is the difference between two numbers of times: the start of Python counts for nothing.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from benches.workloads import cut, feed_all, native, pairs_of, prose, read_all, wire_reads

from holdback import WireRestorer

Work = Callable[[], object]

PAIRS = pairs_of("placeholders", 100)


def wire(every: int) -> Work:
    """Chat events of 250 bytes in reads of 4 KB."""
    matcher, reads = native.TrieMatcher(PAIRS), wire_reads(prose(14_000, list(PAIRS), every, 1), 1)
    return lambda: read_all(WireRestorer(matcher).feed, reads)


def buffer(size: int) -> Work:
    """A match per 200 code points."""
    matcher, pieces = native.TrieMatcher(PAIRS), cut(prose(20_000, list(PAIRS), 200, 1), size)
    return lambda: feed_all(matcher.stream(), pieces)


WORKLOADS: dict[str, Callable[[], Work]] = {
    "Python: StreamBuffer.feed of 4": lambda: buffer(4),
    "Python: WireRestorer, quiet reads": lambda: wire(0),
    "Python: WireRestorer, reads with matches": lambda: wire(200),
}


def main() -> None:
    """Do the work, or name all."""
    match sys.argv[1:]:
        case [name, times]:
            work = WORKLOADS[name]()
            gc.disable()
            work()  # what is made once, at first use, is made
            for _ in range(int(times)):
                work()
        case _:
            print("\n".join(WORKLOADS))


if __name__ == "__main__":
    main()
