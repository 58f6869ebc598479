"""The lexical forms of JSON in bytes that are known to be an event: where a value stands.

Nothing here says what JSON is (``json_text`` does), so the patterns are the shortest that find the ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from holdback.engine.json_text import string_of

Where = tuple[Any, ...]
"""Where a value stands: empty for the whole, else where the container stands that has it, and its name or position."""


class Nth(str):
    """The name of a member of an object in which names come twice, with its position."""

    __slots__ = ("position",)

    position: int

    @classmethod
    def of(cls, name: str, position: int) -> Self:
        nth = cls(name)
        nth.position = position
        return nth


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^][{}",:\s]++'
_BLANK = rb"[ \t\r\n]*+"

_BLANKS = re.compile(_BLANK)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_FLAT = re.compile(_STRING + rb"|" + _SCALAR, re.DOTALL)
_SEPARATOR = re.compile(_BLANK + rb",?" + _BLANK)
_BRACE_END, _BRACKET_END = b"}]"
_FEW = 4
_DENSE = (b',"', b",{")  # most separators, with what follows
_MEMBER = re.compile(
    # A name; a value that is not nested and what separates it from the next member. Most members are one match.
    rb"(%b)%b:%b(?:(%b|%b)%b,?%b)?+" % (_STRING, _BLANK, _BLANK, _STRING, _SCALAR, _BLANK, _BLANK),
    re.DOTALL,
)


def is_empty(source: bytes, begin: int) -> bool:
    """Whether the container that begins here holds nothing."""
    return source[skip_blanks(source, begin + 1)] in b"]}"


def _end_of(pattern: re.Pattern[bytes], source: bytes, at: int) -> int:
    found = pattern.match(source, at)
    if found is None:
        raise AssertionError("the source was read as JSON before")
    return found.end()


def skip_blanks(source: bytes, at: int) -> int:
    """To the first byte from here on that is no blank."""
    return _end_of(_BLANKS, source, at) if source[at] in b" \t\r\n" else at


def skip_separator(source: bytes, at: int) -> int:
    """Past blanks and a comma, to the next member or element or to the closing bracket."""
    if source[at : at + 2] in _DENSE:
        return at + 1
    return _end_of(_SEPARATOR, source, at)


def skip_value(source: bytes, at: int) -> int:
    """Past the value that begins here."""
    if source[at : at + 1] not in (b"{", b"["):
        return _end_of(_FLAT, source, at)
    depth = 0
    for token in _STRUCTURE.finditer(source, at):
        if token[0] in b"[{":
            depth += 1
        elif token[0] in b"]}":
            depth -= 1
            if not depth:
                return token.end()
    raise AssertionError("the source was read as JSON before")


class Spans:
    """Where the values of an event stand, found when they are asked for.

    Each container on the way to a value is gone through once, whatever the number of values: O(size of the source).
    """

    __slots__ = ("_alone", "_begins", "_source")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._begins: dict[int, tuple[Where, Mapping[Any, int] | Sequence[int]]] = {}
        """Of containers, where their values begin: by name, or by position. Two members of one name compare equal, so a
        container is known by the identity of its place, which those of all its values share."""
        self._alone = 0 if b"\\u" in source else _FEW
        """How many more values may be looked for by their name alone."""

    def span(self, where: Where) -> tuple[int, int]:
        """Where a value begins and ends."""
        member = self._member_alone(where)
        if member is not None and member[2] is not None:
            return member.span(2)
        begin = self._begin_in_container(where) if member is None else member.end()
        return begin, skip_value(self._source, begin)

    def _begin(self, where: Where) -> int:
        member = self._member_alone(where)
        return self._begin_in_container(where) if member is None else _value_of(member)

    def _member_alone(self, where: Where) -> re.Match[bytes] | None:
        """The member that has the name of a value, if the name stands nowhere else."""
        if not (where and self._alone and type(name := where[1]) is str and name.isidentifier()):
            return None
        self._alone -= 1
        literal = b'"%b"' % name.encode()
        at = self._source.find(literal)
        return None if self._source.find(literal, at + 1) >= 0 else _read_member(self._source, at)

    def _begin_in_container(self, where: Where) -> int:
        if not where:
            return skip_blanks(self._source, 0)
        above, name = where
        is_nth = type(name) is Nth
        _, begins = self._begins.get(id(above), (above, None))
        if begins is None:
            begin = self._begin(above)
            if type(name) is int:
                begins = _elements(self._source, begin)
            else:
                members = _members(self._source, begin)
                begins = [at for _, at in members] if is_nth else dict(members)
            self._begins[id(above)] = above, begins
        return begins[name.position if is_nth else name]


def _elements(source: bytes, begin: int) -> list[int]:
    """Where the elements of an array begin."""
    found = []
    at = skip_blanks(source, begin + 1)
    while source[at] != _BRACKET_END:
        found.append(at)
        at = skip_separator(source, skip_value(source, at))
    return found


def _members(source: bytes, begin: int) -> list[tuple[str, int]]:
    """The names in an object, and where their values begin."""
    found = []
    at = skip_blanks(source, begin + 1)
    while source[at] != _BRACE_END:
        member = _read_member(source, at)
        name, flat = member.groups()
        found.append((string_of(name), _value_of(member)))
        at = member.end() if flat is not None else skip_separator(source, skip_value(source, member.end()))
    return found


def _read_member(source: bytes, at: int) -> re.Match[bytes]:
    member = _MEMBER.match(source, at)
    if member is None:
        raise AssertionError("the source was read as JSON before")
    return member


def _value_of(member: re.Match[bytes]) -> int:
    """Where the value of a member begins."""
    return member.end() if member[2] is None else member.start(2)
