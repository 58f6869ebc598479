"""A pytest plugin for mutation runs: the quickest test first, and the same examples every time.

A mutant dies at the first red test, so tests that take milliseconds run before properties that take seconds, and a
property stops at its first failing example instead of looking for a smaller one. Nothing is drawn at random: the
verdict on a mutant must not depend on the day.
"""

from __future__ import annotations

import sys

import pytest
from hypothesis import Phase, settings
from mutmut.state import state

sys.modules["holdback._native"] = None  # type: ignore[assignment]  # if it was built: only the pure twin has mutants


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In its first run mutmut takes the time of each test: that one keeps the order of the files."""
    items.sort(key=lambda item: state().duration_by_test.get(item.nodeid, 0))
