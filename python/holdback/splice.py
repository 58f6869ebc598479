"""Splicing: change a few values inside JSON source and leave every other byte as it is.

Loading and dumping is not neutral: it loses spacing, the order and duplicates of keys, the spelling of numbers and
escapes. So the source is walked, not parsed: only along the paths of the edits, skipping everything else by its
lexical shape, to find the spans of the values to replace.

Rules. A new string is written as one string literal. A new object or array means that the value there is a document
whose source is to be restored as such (see ``restore_source``); where nothing was, or something else, the new value
is written out. A missing member is put first into its object, a missing element last into its array. Where a name
occurs twice the last one counts, as it does for every JSON reader.

Cost: O(size of the source), once per changed event. The source must be valid JSON: callers have read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from holdback.chunks import Edit
from holdback.sse import to_json, to_json_bytes

Replacement = tuple[int, int, bytes]
"""A span of the source, and what stands there instead."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^][{}",:\s]++'
_BLANK = rb"[ \t\r\n]*+"

LITERAL = re.compile(_STRING, re.DOTALL)
"""A string literal, by its lexical shape."""

_BLANKS = re.compile(_BLANK)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_FLAT = re.compile(_STRING + rb"|" + _SCALAR, re.DOTALL)
_SEPARATOR = re.compile(_BLANK + rb",?" + _BLANK)
_MEMBER = re.compile(
    # A name; a value that is not nested and what separates it from the next member. Most members are one match.
    rb"(%b)%b:%b((?:%b|%b)%b,?%b)?+" % (_STRING, _BLANK, _BLANK, _STRING, _SCALAR, _BLANK, _BLANK),
    re.DOTALL,
)


def splice(source: bytes, edits: Iterable[Edit], restore_source: Callable[[str], str]) -> bytes:
    """``source`` with the edits made; ``restore_source`` restores the JSON source of a document."""
    return apply(source, replacements(source, edits, restore_source))


def apply(source: bytes, changes: Iterable[Replacement]) -> bytes:
    """``source`` with these spans replaced."""
    out: list[bytes] = []
    done = 0
    for begin, end, value in changes:
        out += (source[done:begin], value)
        done = end
    out.append(source[done:])
    return b"".join(out)


def replacements(
    source: bytes, edits: Iterable[Edit], restore_source: Callable[[str], str]
) -> list[Replacement]:
    """What ``splice`` replaces, from left to right."""
    root = _Wanted()
    for path, value in edits:
        node = root
        for name in path:
            node = node.inner.setdefault(name, _Wanted())
        node.value, node.is_leaf = value, True
    walk = _Walk(source, restore_source)
    walk.change(_skip_blanks(source, 0), root)
    return sorted(walk.changes)


class _Wanted:
    """The edits at and below one place."""

    __slots__ = ("inner", "is_leaf", "value")

    def __init__(self) -> None:
        self.inner: dict[str | int, _Wanted] = {}
        self.is_leaf = False
        self.value: Any = None

    def names_all(self, kind: type) -> bool:
        """Whether there are edits below this place, by names of that kind: a member's is a string."""
        return not self.is_leaf and all(isinstance(name, kind) for name in self.inner)

    def build(self) -> Any:
        """The value as it is where there was none."""
        if self.is_leaf:
            return self.value
        if self.names_all(int):
            return [wanted.build() for wanted in self.inner.values()]
        return {name: wanted.build() for name, wanted in self.inner.items()}


class _Walk:
    def __init__(self, source: bytes, restore_source: Callable[[str], str]) -> None:
        self.source = source
        self.restore_source = restore_source
        self.changes: list[Replacement] = []

    def change(self, at: int, wanted: _Wanted) -> int:
        """Make the edits of ``wanted`` on the value that begins at ``at``; returns where the value ends."""
        opener = self.source[at : at + 1]
        if opener == b"{" and wanted.names_all(str):
            return self._object(at, wanted)
        if opener == b"[" and wanted.names_all(int):
            return self._array(at, wanted)
        end = _skip_value(self.source, at)
        self.changes.append((at, end, self._spelled(wanted, self.source[at:end])))
        return end

    def _spelled(self, wanted: _Wanted, before: bytes) -> bytes:
        value = wanted.build()
        if wanted.is_leaf and isinstance(value, (dict, list)) and before[:1] in (b"{", b"["):
            return self.restore_source(before.decode()).encode(errors="backslashreplace")
        return to_json_bytes(value)

    def _object(self, at: int, wanted: _Wanted) -> int:
        source = self.source
        start, at = at + 1, _skip_blanks(source, at + 1)
        found: dict[str | int, list[Replacement]] = {}
        is_empty = source[at : at + 1] == b"}"
        while (member := _MEMBER.match(source, at)) is not None:
            literal, flat = member.groups()
            name = json.loads(literal) if b"\\" in literal else literal[1:-1].decode()
            inner = wanted.inner.get(name)
            at = member.end()
            if inner is not None:
                kept, self.changes = self.changes, []
                at = _skip_separator(source, self.change(at if flat is None else member.start(2), inner))
                found[name], self.changes = self.changes, kept  # a later member of that name takes its place
            elif flat is None:
                at = _skip_separator(source, _skip_value(source, at))
        for changes in found.values():
            self.changes += changes
        missing = [(name, inner) for name, inner in wanted.inner.items() if name not in found]
        if missing:
            members = ",".join(f"{to_json(name)}:{to_json(inner.build())}" for name, inner in missing)
            self.changes.append((start, start, (members if is_empty else members + ",").encode()))
        return at + 1

    def _array(self, at: int, wanted: _Wanted) -> int:
        source = self.source
        at = end = _skip_blanks(source, at + 1)
        index = 0
        while source[at : at + 1] != b"]":
            inner = wanted.inner.get(index)
            end = _skip_value(source, at) if inner is None else self.change(at, inner)
            at = _skip_separator(source, end)
            index += 1
        missing = sorted(
            position for position in wanted.inner if isinstance(position, int) and position >= index
        )
        for position in missing:
            value = to_json(wanted.inner[position].build())
            self.changes.append((end, end, (f",{value}" if index else value).encode()))
            index += 1
        return at + 1


def _end_of(pattern: re.Pattern[bytes], source: bytes, at: int) -> int:
    found = pattern.match(source, at)
    if found is None:
        raise AssertionError("the source was read as JSON before")
    return found.end()


def _skip_blanks(source: bytes, at: int) -> int:
    return _end_of(_BLANKS, source, at)


def _skip_separator(source: bytes, at: int) -> int:
    """Past blanks and a comma, to the next member or element or to the closing bracket."""
    return _end_of(_SEPARATOR, source, at)


def _skip_value(source: bytes, at: int) -> int:
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
