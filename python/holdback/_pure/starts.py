"""Starts: where a key may begin.

Twin of ``rust/core/src/starts.rs``, with the tools that are fast here. Signs are rare in text, so a few of them are
looked for by themselves, each with ``in``. Otherwise a compiled expression looks for two or three units that begin a
key: one expression for all keys that go on alike, since one class is found faster than alternatives.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property

FEW = 3
"""So many different first units are looked for by themselves, as the Rust twin does."""
MOST_SIGNS = 6
"""So many are asked for one by one; one search for all is as fast for more."""
SHORT = 4096
"""A text of so many units is read anew for each place that is found, which is faster than one search for all signs."""

Test = Callable[[str], bool]
Find = Callable[[str, int], int]


class Starts:
    """Finds the next place where a key may begin: by its first unit, by the first three if there are many first ones.

    ``json``: in JSON source, where a quote or a backslash always matters, and the next unit may be escaped.
    """

    def __init__(self, keys: Sequence[str], *, json: bool = False) -> None:
        self._beginnings = Beginnings(keys, json=json)

    @property
    def firsts(self) -> list[str]:
        """The units that what is looked for begins with, each once, the most frequent one first."""
        return self._beginnings.firsts

    @cached_property
    def quiet(self) -> Test:
        """The hot test: true means that no key begins anywhere in a text and no unit is a surrogate half, so a stream
        with nothing pending passes it on. It may be false without need.
        """
        beginnings = self._beginnings  # not the object itself, which holds this function
        signs = [*filter(str.isascii, beginnings.firsts)]
        if len(signs) > MOST_SIGNS:
            search = beginnings.expression.search
            return lambda text: search(text) is None
        return _none_of(signs, beginnings.has_none)

    @cached_property
    def find(self) -> Find:
        """Index of the first place from an index on where a key may begin, or -1."""
        firsts, places = self._beginnings.firsts, self._beginnings.places
        if len(firsts) == 1 and (sign := firsts[0]).isascii():
            return lambda text, at: text.find(sign, at)
        search = re.compile("|".join(places) or "(?!)").search
        if 1 < len(firsts) <= MOST_SIGNS and places == [_one_of(firsts)]:
            sign, *others = firsts
            return _sign_or_search(sign, _none_of([*filter(str.isascii, others)], lambda _: False), search)

        def find(text: str, at: int) -> int:
            found = search(text, at)
            return -1 if found is None else found.start()

        return find


class Beginnings:
    """What keys begin with, as regular expressions, which are made when they are first needed."""

    def __init__(self, keys: Sequence[str], *, json: bool) -> None:
        self._keys = keys
        self._json = json

    @cached_property
    def firsts(self) -> list[str]:
        """The first units, each once, the most frequent one first."""
        keys = [first for first, _ in Counter([key[0] for key in self._keys]).most_common()]
        return [*dict.fromkeys(['"', "\\", *keys])] if self._json else keys

    @cached_property
    def begins(self) -> dict[str, None]:
        """All that is looked for: the first three units of each key."""
        begins = dict.fromkeys([key[:3] for key in self._keys])
        if self._json:
            escaped = dict.fromkeys(begin[:size] + "\\" for begin in begins for size in range(1, len(begin)))
            begins |= escaped | dict.fromkeys('"\\')
        return begins

    @cached_property
    def places(self) -> list[str]:
        """What is looked for, as alternatives."""
        following: dict[str, tuple[set[str], set[str]]] = {}
        for begin in self.begins:
            seconds, thirds = following.setdefault(begin[0], (set(), set()))
            seconds.add(begin[1:2])
            thirds.add(begin[2:])
        # A few, or signs, which are rare: the first unit alone tells enough, and a class of units is found faster.
        if len(following) <= FEW or not any(first.isalnum() or first.isspace() for first in following):
            return [_one_of(following)] if following else []
        return _places(following)

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Where a key may begin, or a surrogate half stands."""
        return re.compile("|".join([*self.places, "[\ud800-\udfff]"]))

    def has_none(self, text: str) -> bool:
        """Whether none of that is in ``text``."""
        return self.expression.search(text) is None


def _sign_or_search(
    sign: str, has_no_other: Test, search: Callable[[str, int], re.Match[str] | None]
) -> Find:
    """Finds the sign that most keys begin with, or whatever ``search`` finds where a text has others as well."""

    def find(text: str, at: int) -> int:
        if len(text) <= SHORT and has_no_other(text):
            return text.find(sign, at)
        found = search(text, at)
        return -1 if found is None else found.start()

    return find


def _none_of(signs: Sequence[str], has_none: Test) -> Test:
    """Whether none of the signs is in an ASCII text; for another text ``has_none`` says it.

    Written out: a loop takes twice the time.
    """
    if not signs:
        return lambda text: text.isascii() or has_none(text)
    if len(signs) == 1:
        (sign,) = signs
        return lambda text: sign not in text if text.isascii() else has_none(text)
    a, b, c, d, e, f = [*signs, *[signs[-1]] * (MOST_SIGNS - len(signs))]

    def of_four(text: str) -> bool:
        if text.isascii():
            return not (a in text or b in text or c in text or d in text)
        return has_none(text)

    def of_six(text: str) -> bool:
        if text.isascii():
            return not (a in text or b in text or c in text or d in text or e in text or f in text)
        return has_none(text)

    return of_four if len(signs) <= 4 else of_six


def _places(following: Mapping[str, tuple[set[str], set[str]]]) -> list[str]:
    """Patterns for each first unit with one of its seconds and thirds behind it, or the end.

    First units with the same seconds share a pattern, since one class is found faster than alternatives.
    """
    alike: dict[frozenset[str], tuple[list[str], set[str]]] = {}
    for first, (seconds, thirds) in following.items():
        firsts, all_thirds = alike.setdefault(frozenset(seconds), ([], set()))
        firsts.append(first)
        all_thirds |= thirds
    return [
        _one_of(firsts) + _or_end(seconds, _or_end(thirds)) for seconds, (firsts, thirds) in alike.items()
    ]


def _or_end(units: Collection[str], rest: str = "") -> str:
    """A pattern for one of ``units`` with ``rest`` behind it, or the end; the empty unit stands for anything at all."""
    return "" if "" in units else f"(?:{_one_of(units)}{rest}|\\Z)"


def _one_of(units: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, sorted(units)))}]"
