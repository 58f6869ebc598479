"""Borders: which keys need one, and which units make none.

Twin of ``rust/core/src/borders.rs``. A key that begins with a *word character* matches as a whole word only where no
word character stands before it, one that ends with one only where none follows (``words=True``). A key that is made
of a number's characters matches outside the strings of JSON source only as a whole number: no such character stands
before it or follows. Both are one rule over *classes* of units, which are bits: a unit of a class that the key minds
is no border.

A unit is one code point. Word characters are those of the generated table ``word_table.py``.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache

from holdback._pure.word_table import RUNS

WORD, NUMBER = 1, 2
NUMBER_UNITS = frozenset("0123456789+-.eE")
DIGITS = frozenset("0123456789")
MOST_KNOWN = 4096
"""How many units a table of classes keeps: enough for the scripts of a text, little for a hostile one."""


@cache
def _runs() -> tuple[list[int], list[int]]:
    bounds = [[int(bound, 16) for bound in run.split("-")] for run in RUNS.split()]
    return [run[0] for run in bounds], [run[-1] for run in bounds]


def is_word(unit: str) -> bool:
    """Whether ``unit`` is a word character."""
    if unit.isascii():
        return unit.isalnum() or unit == "_"
    firsts, lasts = _runs()
    code = ord(unit)
    at = bisect_right(firsts, code) - 1
    return at >= 0 and code <= lasts[at]


def is_number(key: str) -> bool:
    """Whether ``key`` is made of a number's characters, a digit among them."""
    return NUMBER_UNITS.issuperset(key) and not DIGITS.isdisjoint(key)


class Classes(dict[str, int]):
    """The classes of a unit, as bits; no unit at all has none."""

    __slots__ = ("_minded",)

    def __init__(self, minded: int) -> None:
        self[""] = 0
        self._minded = minded

    def __missing__(self, unit: str) -> int:
        found = (WORD if is_word(unit) else 0) | (NUMBER if unit in NUMBER_UNITS else 0)
        found &= self._minded
        if len(self) < MOST_KNOWN:
            self[unit] = found
        return found


CLASSES = tuple(map(Classes, range(4)))
"""By the classes that are minded: none, words, numbers, both."""
