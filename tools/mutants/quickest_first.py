"""A pytest plugin for mutation runs: the most promising test first, and the same examples every time.

A mutant dies at the first red test, so tests that take milliseconds run before properties that take seconds, those
that were red for other mutants of the same function before all others, and a property stops at its first failing
example instead of looking for a smaller one. Nothing is drawn at random: the verdict on a mutant must not depend on
the day.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from mutmut.state import state

sys.modules["holdback._native"] = None  # type: ignore[assignment]  # if it was built: only the pure twin has mutants

RED = Path("red.txt")
"""Which test was red for a mutant of which function: a line for each mutant."""
TIMEOUT = 36  # as mutmut says it
SLOWEST = float(os.environ.get("MUTANTS_SECONDS", "inf"))
"""``make mutants MUTANTS_SECONDS=1`` leaves slower tests out; what lives then may still be noticed by one of them."""


def pytest_configure() -> None:
    """After ``conftest.py`` chose its profile, before the test files are read."""
    settings.register_profile(
        "mutants",
        settings(),
        max_examples=30,  # a third: it is mostly the written examples that notice, and survivors see all of them
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
    )
    settings.load_profile("mutants")


def function() -> str:
    """The function that is wrong now; nothing in a run without a mutant."""
    return os.environ.get("MUTANT_UNDER_TEST", "").rpartition("__mutmut_")[0]


def took(item: pytest.Item) -> float:
    """Seconds that the test took without a mutant; 0 in mutmut's first run, which finds that out."""
    return float(state().duration_by_test.get(item.nodeid, 0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What was red before, then the quickest; mutmut's first run keeps the order of the files."""
    if function():
        items[:] = [item for item in items if took(item) < SLOWEST] or items
    red = Counter(RED.read_text().splitlines() if RED.exists() else ())
    items.sort(key=lambda item: took(item) / (1 + 20 * red[f"{function()} {item.nodeid}"]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that takes so much longer than without the mutant has met an endless loop."""
    if function():
        signal.signal(signal.SIGALRM, lambda *_: os._exit(TIMEOUT))
        signal.alarm(int(10 + 5 * took(item)))
    yield
    signal.alarm(0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was red."""
    if report.failed and function():
        with RED.open("a") as file:
            file.write(f"{function()} {report.nodeid}\n")
