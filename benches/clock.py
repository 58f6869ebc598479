"""How time is taken. Only the standard library: this also runs where the peers are, without holdback."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

# This is computing in one thread: on a machine that others use too, its own time says more than the clock.
CLOCK = time.process_time if time.get_clock_info("process_time").resolution < 1e-6 else time.perf_counter


def once(work: Callable[[], object]) -> float:
    """How long ``work`` takes, undisturbed by the garbage collector, which `timeit` turns off."""
    return timeit.timeit(work, timer=CLOCK, number=1)
