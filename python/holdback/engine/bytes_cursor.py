"""The cursor over bytes: walks the JSON of one event once, and changes only the spans that are to change.

Loading and dumping is not neutral: it loses spacing, the order and duplicates of members, the spelling of numbers and
escapes. So the source is walked by the shape of the format, everything that the shape does not name is skipped by its
lexical form, and what is restored is replaced in place.

Rules. The source is known to be an event (``json_text``). Of members of the same name that the shape names the last
counts. A place in an array is the span of its element, so that the element can be taken out, with the comma that
belongs to it. A value where none was is put first into its object.

``rust/core/src/wire/cursor.rs`` is the twin of the walk. Cost: O(size of the source).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from holdback.engine import json_text
from holdback.engine.json_text import scalar_of, string_of, to_json, to_json_bytes
from holdback.engine.marks import At, Mark, Replace
from holdback.engine.shapes import Kind, Members, Node, Shapes

Change = tuple[int, int, bytes]
"""A span of the source, and what stands there instead."""

Reading = tuple[list[Mark], dict[tuple[str, At], Any]]

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^][{}",:\s]++'
_BLANK = rb"[ \t\r\n]*+"

_BLANKS = re.compile(_BLANK)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_FLAT = re.compile(_STRING + rb"|" + _SCALAR, re.DOTALL)
_SEPARATOR = re.compile(_BLANK + rb",?" + _BLANK)
_MEMBER = re.compile(
    # A name; a value that is not nested and what separates it from the next member. Most members are one match.
    rb"(%b)%b:%b(?:(%b|%b)%b,?%b)?+" % (_STRING, _BLANK, _BLANK, _STRING, _SCALAR, _BLANK, _BLANK),
    re.DOTALL,
)
_SILENT = (b"null", b"false", b'""', b"0")
_ABSENT = (b"null", b'""')


def walk(shapes: Shapes, source: bytes, *, natively: bool) -> Reading | None:
    """The marks and addresses of an event; None if the source is none. The native twin does what is written here."""
    if natively:
        found: Reading | None = shapes.native.walk(source)
        return found
    if not json_text.is_event(source):
        return None
    cursor = _Walk(source)
    try:
        cursor.value(_blanks(source, 0), shapes.root, ())
    except _NameTwiceError:
        return _CarefulWalk(source).run(shapes)
    return cursor.marks, cursor.addresses


class _NameTwiceError(Exception):
    """A name that counts stands twice in an object."""


class _Walk:
    __slots__ = ("addresses", "marks", "source")

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.marks: list[Mark] = []
        self.addresses: Any = {}

    def value(self, begin: int, node: Node, at: At) -> int:
        """Read the value that begins here; returns where it ends."""
        source, marks = self.source, self.marks
        opener = source[begin : begin + 1]
        if opener == b"{" and node.object is not None:
            spot = self._hold_place(node)
            end = self._object(begin, node.object, at)
        elif opener == b"[" and node.array is not None:
            spot = self._hold_place(node)
            end = self._array(begin, node.array, at)
        else:
            end = _skip_value(source, begin)
            if node.slots:
                self._slots(begin, end, node, at)
            return end
        for slot in node.slots:
            if slot.kind is Kind.PLACE:
                marks[spot] = (slot, at, None, (begin, end))
                spot += 1
            elif slot.kind in _ALWAYS or (slot.kind in _IF_ANY and not _is_empty(source, begin)):
                marks.append((slot, at, None, (begin, end)))
        return end

    def _hold_place(self, node: Node) -> int:
        """The mark of a place stands before the marks inside it, though its end is known only after them."""
        spot = len(self.marks)
        self.marks += (None for slot in node.slots if slot.kind is Kind.PLACE)  # type: ignore[misc]
        return spot

    def _slots(self, begin: int, end: int, node: Node, at: At) -> None:
        """The marks of a value into which the walk does not descend."""
        literal = self.source[begin:end]
        first = literal[:1]
        is_container = first in (b"{", b"[")
        is_empty = is_container and _is_empty(self.source, begin)
        for slot in node.slots:
            kind = slot.kind
            value: Any = None
            if kind is Kind.KEEPS:
                if is_empty or literal in _ABSENT:
                    continue
            elif kind is Kind.TEXT or kind is Kind.SOURCE:
                if first == b'"':
                    value = string_of(literal)
                elif literal != b"null":
                    continue
            elif kind is Kind.ADDRESS:
                if first == b'"' or first in b"-0123456789NI":
                    self.addresses[slot.name, at[: slot.depth]] = scalar_of(literal)
                continue
            elif kind is Kind.WHOLE or kind is Kind.WHOLE_SOURCE:
                if first != b'"':
                    continue
                value = string_of(literal)
            elif kind is Kind.DOCUMENT:
                if first == b'"' or literal == b"null":
                    continue
            elif kind is Kind.EVENT or kind is Kind.ONCE:
                if is_empty or literal in _SILENT:
                    continue
            elif (literal == b"null" and kind is Kind.LATEST) or (kind is Kind.PLACE and literal != b"null"):
                continue
            if value is None and not is_container and kind not in _WITHOUT_VALUE:
                value = scalar_of(literal)
            self.marks.append((slot, at, value, (begin, end)))

    def _object(self, begin: int, entry: Members, at: At) -> int:
        source = self.source
        start = _blanks(source, begin + 1)
        while entry.which is not None:
            inner = _variant(entry, _last_value(source, start, entry.which))
            if inner is None:
                return _skip_value(source, begin)
            entry = inner
        return self._members(start, entry, at)

    def _members(self, position: int, entry: Members, at: At) -> int:
        """Read the members of an object from the first one on; returns where the object ends."""
        source = self.source
        known, other, seen = entry.quoted or {}, entry.other, set()
        while (member := _MEMBER.match(source, position)) is not None:
            name, flat = member.groups()
            if b"\\" in name:
                name = _plain_name(name)
            node = known.get(name)
            if node is not None:
                if name in seen:
                    raise _NameTwiceError
                seen.add(name)
            else:
                node = other
            if flat is not None:
                position = member.end()
                if node is not None and node.slots:
                    self._slots(member.start(2), member.end(2), node, at)
            elif node is not None:
                position = _skip_separator(source, self.value(member.end(), node, at))
            else:
                position = _skip_separator(source, _skip_value(source, member.end()))
        return position + 1

    def _array(self, begin: int, node: Node, at: At) -> int:
        source = self.source
        position, index = _blanks(source, begin + 1), 0
        while source[position : position + 1] != b"]":
            position = _skip_separator(source, self.value(position, node, (*at, index)))
            index += 1
        return position + 1


class _CarefulWalk(_Walk):
    """The walk of a source in which a name that counts stands twice: what the earlier one gave is taken back."""

    __slots__ = ()

    def run(self, shapes: Shapes) -> Reading:
        self.addresses = _Log()
        self.value(_blanks(self.source, 0), shapes.root, ())
        return list(filter(None, self.marks)), dict(filter(None, self.addresses))

    def _members(self, position: int, entry: Members, at: At) -> int:
        source, known = self.source, entry.quoted or {}
        found: dict[bytes, tuple[slice, slice]] = {}  # what each name gave
        while (member := _MEMBER.match(source, position)) is not None:
            name = _plain_name(member[1])
            value = member.end() if member[2] is None else member.start(2)
            node = known.get(name, entry.other)
            if name in found:
                for entries, span in zip((self.marks, self.addresses), found.pop(name), strict=True):
                    entries[span] = [None] * (span.stop - span.start)
            if node is None:
                end = _skip_value(source, value)
            else:
                begins = len(self.marks), len(self.addresses)
                end = self.value(value, node, at)
                if name in known:
                    found[name] = slice(begins[0], len(self.marks)), slice(begins[1], len(self.addresses))
            position = _skip_separator(source, end)
        return position + 1


class _Log(list[Any]):
    """Addresses in the order in which they came, so that they can be taken back."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            super().__setitem__(key, value)
        else:
            self.append((key, value))


def _plain_name(name: bytes) -> bytes:
    """The literal of a name without escapes."""
    if b"\\" not in name:
        return name
    return b'"%b"' % string_of(name).encode(errors="surrogatepass")


_ALWAYS = frozenset((Kind.DOCUMENT, Kind.LATEST))
_IF_ANY = frozenset((Kind.EVENT, Kind.ONCE))
"""Which marks a container has into which the walk descends: whatever is in it, or if anything is."""
_WITHOUT_VALUE = frozenset((Kind.TEXT, Kind.SOURCE, Kind.DOCUMENT, Kind.KEEPS, Kind.PLACE))


def _variant(entry: Members, literal: bytes | None) -> Members | None:
    value = "true" if literal == b"true" else ""
    if literal is not None and literal[:1] == b'"':
        value = string_of(literal)
    variants = entry.variants or {}
    return variants.get(value, entry.default)


def _last_value(source: bytes, position: int, name: str) -> bytes | None:
    """The literal of the last member of that name in the object whose first member stands here."""
    wanted, found = name.encode(), None
    while (member := _MEMBER.match(source, position)) is not None:
        literal, flat = member.groups()
        inner = string_of(literal).encode(errors="surrogatepass") if b"\\" in literal else literal[1:-1]
        if inner == wanted:
            found = flat
        position = (
            member.end() if flat is not None else _skip_separator(source, _skip_value(source, member.end()))
        )
    return found


def _is_empty(source: bytes, begin: int) -> bool:
    """Whether the container that begins here holds nothing."""
    return source[_blanks(source, begin + 1)] in b"]}"


def _end_of(pattern: re.Pattern[bytes], source: bytes, at: int) -> int:
    found = pattern.match(source, at)
    if found is None:
        raise AssertionError("the source was read as JSON before")
    return found.end()


def _blanks(source: bytes, at: int) -> int:
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


class BytesEvent:
    """An event as the bytes of its JSON, and the changes to make there."""

    __slots__ = ("_appended", "_changes", "_inserted", "_taken", "addresses", "marks", "source")

    def __init__(self, source: bytes, reading: Reading) -> None:
        self.source = source
        self.marks, self.addresses = reading
        self._changes: list[Change] = []
        self._inserted: dict[tuple[int, int], dict[str, Any]] = {}
        self._appended: dict[tuple[int, int], list[Any]] = {}
        self._taken: dict[tuple[int, int], At] = {}

    def raw(self, where: tuple[int, int]) -> bytes:
        return self.source[where[0] : where[1]]

    def value(self, where: tuple[int, int]) -> Any:
        return scalar_of(self.raw(where))

    def set(self, where: tuple[int, int], value: str) -> None:
        self._changes.append((*where, to_json_bytes(value)))

    def document(self, where: tuple[int, int], replace: Replace) -> None:
        source = self.source[where[0] : where[1]].decode()
        restored = replace(source)
        if restored != source:
            self._changes.append((*where, restored.encode(errors="backslashreplace")))

    def insert(self, where: tuple[int, int], names: tuple[str, ...], value: Any) -> None:
        node = self._inserted.setdefault(where, {})
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = value

    def append(self, where: tuple[int, int], value: Any) -> None:
        self._appended.setdefault(where, []).append(value)

    def take_out(self, where: tuple[int, int], at: At) -> None:
        self._taken[where] = at

    def changes(self) -> list[Change]:
        """What is to change in the source, from left to right."""
        found = list(self._changes)
        for (begin, end), members in self._inserted.items():
            if self.source[begin : begin + 1] != b"{":
                found.append((begin, end, to_json_bytes(members)))
                continue
            text = to_json(members)[1:-1]
            comma = "" if _is_empty(self.source, begin) else ","
            found.append((begin + 1, begin + 1, (text + comma).encode()))
        for (begin, end), values in self._appended.items():
            comma = "" if _is_empty(self.source, begin) else ","
            found.append((end - 1, end - 1, (comma + to_json(values)[1:-1]).encode()))
        found += self._removals()
        return sorted(found)

    def _removals(self) -> Iterable[Change]:
        """The elements that are taken out: each with the comma that is one too many then."""
        source = self.source
        before: dict[At, int] = {}  # how many are gone of each array, so far
        for (begin, end), at in sorted(self._taken.items()):
            gone = before[at[:-1]] = before.get(at[:-1], 0) + 1
            if gone <= at[-1]:  # one before it stays
                begin = len(source[:begin].rstrip(b" \t\r\n").removesuffix(b",").rstrip(b" \t\r\n"))  # noqa: PLW2901
            elif source[(after := _skip_separator(source, end))] not in b"]":
                end = after  # noqa: PLW2901
            yield begin, end, b""


def apply(source: bytes, changes: Iterable[Change]) -> bytes:
    """``source`` with these spans replaced."""
    out: list[bytes] = []
    done = 0
    for begin, end, value in changes:
        out += (source[done:begin], value)
        done = end
    out.append(source[done:])
    return b"".join(out)
