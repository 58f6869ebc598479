"""How much of what can be asked a run asks: a share of it in ``make test``, everything in ``make test-thorough``.

A test that asks more there is marked ``thorough``; properties ask for more examples there, with no mark of their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")

IS_THOROUGH = os.environ.get("HOLDBACK_THOROUGH", "") not in ("", "0")

thorough = pytest.mark.thorough


def some(cases: Sequence[T], share: int, first: int = 0) -> Sequence[T]:
    """Each ``share``-th case, and at least one; in a thorough run all of them.

    ``first`` is any number: tests that give different ones together take different cases.
    """
    return cases if IS_THOROUGH or not cases else cases[first % min(share, len(cases)) :: share]
