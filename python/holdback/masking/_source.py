"""JSON source, read into a tree and written back with a few of its strings changed.

``read`` gives a tree in which nothing of the source is lost that masking needs to see: an object is ``Members``, all
of its pairs with duplicates, in order; a number is a ``Number``, spelled as it stands there. Whoever changes the tree
makes new nodes on the way to what changed and keeps the others.

``write`` walks the source beside both trees. Where a node of the new tree is the old one, its source stays; where a
string or number has become another, a string literal is written in its place. So every byte outside those literals
stays as it came: spacing, order, duplicates, and the spelling of numbers and escapes.

What JSON is: RFC 8259, and NaN, Infinity and lone surrogates; an object or array may be 200 deep. Cost: the C scanner
of ``json`` reads, and skips what is unchanged; only what stands beside a change is walked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MOST_DEEP = 200
"""How many objects and arrays may stand one inside another."""

Pair = tuple[str, Any]


class Members(list[Pair]):
    """An object: its pairs of name and value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Members({len(self)})"


class Number(str):
    """A number, as it is spelled."""

    __slots__ = ()

    def is_like(self, text: str) -> bool:
        """Whether the text spells this number, as it stands here or as Python would."""
        return self == text or canonical(self) == text

    def __repr__(self) -> str:
        return "Number()"


def canonical(spelling: str) -> str:
    """A number as ``json.dumps`` would write what ``json.loads`` makes of it."""
    try:
        return json.dumps(json.loads(spelling))
    except ValueError:  # an integer of thousands of digits
        return spelling


_SCANNER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=Number
)
_SKIPPER = json.JSONDecoder(parse_int=str, parse_float=str)
_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_UNENDED = re.compile(_STRING.pattern + r"?+", re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")


def read(source: str) -> Any:
    """The tree of a JSON text.

    :raises json.JSONDecodeError: it is none.
    :raises RecursionError: it is far too deep. What is a little too deep is for the reader of the tree to see.
    """
    return _SCANNER.decode(source)


def strings(source: str) -> Iterator[str]:
    """What the string literals of a source say, however deep they stand, be it a JSON text or not."""
    for found in _UNENDED.finditer(source):
        try:
            yield json.loads(found[0])
        except ValueError:
            continue


def write(source: str, old: Any, new: Any) -> str:
    """``source``, whose tree is ``old``, as ``new`` says."""
    out: list[str] = []
    walk = _Writer(source, out)
    walk.value(_blanks(source, 0), old, new)
    out.append(source[walk.done :])
    return "".join(out)


def literal(text: str, *, ascii_only: bool) -> str:
    r"""A string literal. A lone surrogate, which has no UTF-8, is written as ``\uXXXX``."""
    return json.dumps(text, ensure_ascii=ascii_only or _HALF.search(text) is not None)


class _Writer:
    def __init__(self, source: str, out: list[str]) -> None:
        self.source = source
        self.out = out
        self.done = 0
        self.ascii_only = source.isascii()

    def value(self, at: int, old: Any, new: Any) -> int:
        """Write what changed of the value that begins at ``at``; returns where it ends."""
        if new is old:
            return self._end(at)
        if isinstance(old, Members):
            return self._object(at, old, new)
        if isinstance(old, list):
            return self._array(at, old, new)
        end = self._end(at)
        self._put(at, end, new)
        return end

    def _object(self, at: int, old: Members, new: Members) -> int:
        source = self.source
        at = _blanks(source, at + 1)
        for (old_name, old_value), (new_name, new_value) in zip(old, new, strict=True):
            end = self._end(at)
            if new_name is not old_name:
                self._put(at, end, new_name)
            at = _blanks(source, _blanks(source, end) + 1)  # behind the colon
            at = _blanks(source, self.value(at, old_value, new_value))
            at = at if source[at] == "}" else _blanks(source, at + 1)
        return at + 1

    def _array(self, at: int, old: list[Any], new: list[Any]) -> int:
        source = self.source
        at = _blanks(source, at + 1)
        for old_value, new_value in zip(old, new, strict=True):
            at = _blanks(source, self.value(at, old_value, new_value))
            at = at if source[at] == "]" else _blanks(source, at + 1)
        return at + 1

    def _put(self, begin: int, end: int, text: str) -> None:
        self.out += (self.source[self.done : begin], literal(text, ascii_only=self.ascii_only))
        self.done = end

    def _end(self, at: int) -> int:
        """Where the value that begins at ``at`` ends."""
        if self.source[at] == '"' and (found := _STRING.match(self.source, at)) is not None:
            return found.end()
        return _SKIPPER.raw_decode(self.source, at)[1]


def _blanks(source: str, at: int) -> int:
    found = _BLANKS.match(source, at)
    return at if found is None else found.end()
