"""Values that are known: the matcher turned round.

The same automaton that finds placeholders in an answer finds values in a request. It is compiled once, for all
scopes, so it replaces each value by a *mark* that holds the value's number; from the marks of a changed text the spans
are read off. An unchanged text has none, and most texts are unchanged: they cost one pass and nothing else.

A mark is ``S number S`` with ``S`` a character of the private planes. So that a mark is told from an ``S`` that a text
holds of its own, ``S`` is a key as well, and becomes ``S S``: after replacing, every ``S`` is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from holdback import _backend
from holdback._pure.pattern import join_surrogates, plain
from holdback.errors import MaskingError
from holdback.masking.spans import Span

_S = "\U0010fffd"
_MARK = re.compile(f"{_S}([0-9]*){_S}")


class KnownValues:
    """A detector of values that are known in advance: ``{value: entity type}``.

    A value is found wherever it stands, inside a word too; of values that overlap the longest that begins first. It is
    also found as JSON would spell it, since a text may quote JSON; not so if ``spelled`` is off. Time is O(characters),
    however many values there are.

    :raises TypeError: ``values`` is no mapping of ``str`` to ``str``.
    :raises MaskingError: a value is empty or blank: it would be everywhere.

    >>> KnownValues({"Ada": "PERSON", "Ada Lovelace": "PERSON"})("To Ada Lovelace.")
    [Span(start=3, end=15, entity_type='PERSON')]
    """

    __slots__ = (
        "_by_key",
        "_finds_spellings",
        "_is_certain",
        "_matcher",
        "_spelled",
        "_spellings",
        "_types",
        "_types_by_key",
        "_values",
    )

    def __init__(self, values: Mapping[str, str], *, spelled: bool = True) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"KnownValues() takes a mapping of value to type, not {type(values).__name__}")
        known: dict[str, str] = {}
        for value, entity_type in values.items():
            if not isinstance(value, str):
                raise TypeError(f"a value must be str, not {type(value).__name__}")
            if not isinstance(entity_type, str):
                raise TypeError(f"an entity type must be str, not {type(entity_type).__name__}")
            if not value.strip():
                raise MaskingError("a known value must not be empty or blank")
            known.setdefault(join_surrogates(plain(value)), plain(entity_type))
        self._values = known
        self._types = list(known.values())
        self._finds_spellings = spelled
        """Whether each value is also found as JSON would spell it."""
        pairs = {value: _mark(number, value) for number, value in enumerate(known)}
        self._spellings = [[value] for value in known]  # of each value, itself first
        self._spelled: dict[str, str] = {}  # the other spellings, and the value of each
        shares_spellings = False
        for number, value in enumerate(known):
            for spelling in spellings_of(value) if spelled else ():
                if pairs.setdefault(spelling, mark := pairs[value]) == mark:
                    self._spellings[number].append(spelling)
                    self._spelled[spelling] = value
                else:
                    shares_spellings = True
        pairs.setdefault(_S, _S + _S)
        self._matcher = _backend.TrieMatcher(pairs)
        self._is_certain = spelled and not shares_spellings and all(value == value.strip() for value in known)
        """Whether what it finds says all: every spelling of a value is found, as that value's, and no part of it is
        a value."""
        numbers = [mark[1:-1] for _, mark in self._matcher._pairs()] if self._is_certain else []
        in_order = list(known)
        self._by_key = [in_order[int(number)] if number else "" for number in numbers]
        """The value of each of the matcher's keys, by its number; empty for what is no value's."""
        self._types_by_key = [known.get(value, "") for value in self._by_key]
        """The type of each of these."""

    def __call__(self, text: str, /) -> list[Span]:
        """The spans of the values in ``text``, from left to right, without overlaps."""
        marked = self._matcher.replace(text)
        if marked is text:
            return []
        spans: list[Span] = []
        at = read = 0  # in the text, and in what came of it
        for mark in _MARK.finditer(marked):
            at += mark.start() - read
            read = mark.end()
            if not mark[1]:
                at += 1
                continue
            number = int(mark[1])
            spellings = self._spellings[number]
            length = len(spellings[0])
            if len(spellings) > 1:
                length = max(len(spelling) for spelling in spellings if text.startswith(spelling, at))
            spans.append(Span(at, at + length, self._types[number]))
            at += length
        return spans

    def _values_in(self, text: str) -> Iterator[tuple[str, str]]:
        """The values in ``text`` with their types, as often as they stand there, without saying where."""
        marked = self._matcher.replace(text)
        if marked is not text:
            for number in _MARK.findall(marked):
                if number:
                    at = int(number)
                    yield self._spellings[at][0], self._types[at]

    def value_of(self, spelling: str) -> str:
        """The value that JSON spells like this; the spelling itself if it is none of ours."""
        return self._spelled.get(spelling, spelling)

    def values(self) -> Iterator[tuple[str, str]]:
        """Every value with its type."""
        yield from self._values.items()

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"KnownValues({len(self)})"


def _mark(number: int, value: str) -> str:
    """The mark of a value: never the value itself, since replacing that would leave the text as it is."""
    mark = f"{_S}{number}{_S}"
    return mark if mark != value else f"{_S}0{number}{_S}"


def spellings_of(value: str) -> set[str]:
    """How JSON may spell the value inside a string, where that is not the value itself.

    Text may quote JSON without being a document. Writers differ in whether they escape what is not ASCII, and what
    HTML minds; a document in a string of a document is escaped twice.
    """
    if _PLAIN.fullmatch(value):
        return set()
    escaped, raw = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    written = {escaped, raw}
    once = set(written)
    if _HTML.search(value):
        once |= {_HTML.sub(lambda found: f"\\u{ord(found[0]):04x}", spelling) for spelling in written}
    if "/" in value:
        once |= {spelling.replace("/", "\\/") for spelling in written}
    once |= {
        _ESCAPE.sub(lambda found: found[1] + found[2].upper(), known) for known in once if "\\u" in known
    }
    once |= {spelling.replace("\\", "\\\\").replace('"', '\\"') for spelling in written}
    once.add(json.dumps(raw)[1:-1])
    return once - {value}


_PLAIN = re.compile(r"[A-Za-z0-9 .,:;@+_-]*")
_HTML = re.compile("[<>&']")
_ESCAPE = re.compile(r"(\\u)([0-9a-f]{4})")
