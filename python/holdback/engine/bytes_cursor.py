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

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from holdback.engine import json_text
from holdback.engine.json_lexis import MEMBER, is_empty, skip_blanks, skip_separator, skip_value
from holdback.engine.json_text import scalar_of, string_of, to_json, to_json_bytes
from holdback.engine.marks import At, Mark, Replace
from holdback.engine.shapes import Kind, Members, Node, Shapes

Change = tuple[int, int, bytes]
"""A span of the source, and what stands there instead."""

Reading = tuple[list[Mark], dict[tuple[str, At], Any]]

_SILENT = (b"false", b"0")  # what says nothing, but keeps an event, beside what is empty
_EMPTY = frozenset((b"null", b'""'))  # what says nothing and keeps nothing
_QUOTE, _BRACE, _BRACKET, _BRACE_END, _BRACKET_END = b'"{[}]'
_OPENERS = b"{["
_NUMBER_BEGINS = b"-0123456789NI"

# Names of the module: a kind is looked up for each value, and a member of an enum is slow to find.
_ADDRESS, _EVENT, _ONCE, _KEEPS = Kind.ADDRESS, Kind.EVENT, Kind.ONCE, Kind.KEEPS
_TEXT, _SOURCE, _WHOLE, _WHOLE_SOURCE = Kind.TEXT, Kind.SOURCE, Kind.WHOLE, Kind.WHOLE_SOURCE
_DOCUMENT, _LATEST, _PLACE = Kind.DOCUMENT, Kind.LATEST, Kind.PLACE


def walk(shapes: Shapes, source: bytes, *, natively: bool) -> Reading | None:
    """The marks and addresses of an event; None if the source is none. The native twin does what is written here."""
    if natively:
        found: Reading | None = shapes.native.walk(source)
        return found
    if not json_text.is_event(source):
        return None
    cursor = _Walk(source)
    try:
        cursor.value(skip_blanks(source, 0), shapes.root, ())
    except _NameTwiceError:
        return _CarefulWalk(source).run(shapes)
    return cursor.marks, cursor.addresses


class _NameTwiceError(Exception):
    """A name that counts stands twice in an object."""


class _Walk:
    __slots__ = ("addresses", "marks", "source")

    _is_careful: ClassVar[bool] = False

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.marks: list[Mark] = []
        self.addresses: Any = {}

    def value(self, begin: int, node: Node, at: At) -> int:
        """Read the value that begins here; returns where it ends."""
        source, marks = self.source, self.marks
        opener = source[begin]
        is_object = opener == _BRACE and node.object is not None
        if not is_object and (opener != _BRACKET or node.array is None):
            end: int = skip_value(source, begin)
            if node.slots:
                self._slots(begin, end, node, at, source[begin:end])
            return end
        spot = len(marks)
        for slot in node.around:
            # A place stands before the marks inside it, though its end is known only after them.
            if slot.kind is _PLACE:
                marks.append((slot, at, None, (begin, begin)))
        end = self._object(begin, node.object, at) if is_object else self._array(begin, node.array, at)  # type: ignore[arg-type]
        for slot in node.around:
            kind = slot.kind
            if kind is _PLACE:
                marks[spot] = (slot, at, None, (begin, end))
                spot += 1
            elif kind is _DOCUMENT or kind is _LATEST or not is_empty(source, begin):
                marks.append((slot, at, None, (begin, end)))
        return end

    def _slots(self, begin: int, end: int, node: Node, at: At, literal: bytes) -> None:
        """The marks of a value into which the walk does not descend."""
        first = literal[0]
        if first == _QUOTE:
            self._string((begin, end), node, at, literal)
        elif first in _OPENERS:
            self._container((begin, end), node, at)
        else:
            self._scalar((begin, end), node, at, literal)

    def _string(self, where: tuple[int, int], node: Node, at: At, literal: bytes) -> None:
        text = literal[1:-1].decode() if b"\\" not in literal else string_of(literal)
        for slot in node.slots:
            kind = slot.kind
            if kind is _ADDRESS:
                self.addresses[slot.name, at[: slot.depth]] = text
            elif kind is _KEEPS:
                if text:
                    self.marks.append((slot, at, None, where))
            elif kind is _EVENT or kind is _ONCE:
                if text:
                    self.marks.append((slot, at, text, where))
            elif kind is not _DOCUMENT and kind is not _PLACE:
                self.marks.append((slot, at, text, where))

    def _scalar(self, where: tuple[int, int], node: Node, at: At, literal: bytes) -> None:
        """The marks of null, true, false or a number."""
        is_null = literal == b"null"
        for slot in node.slots:
            kind = slot.kind
            value: Any = None
            if kind is _ADDRESS:
                if literal[0] in _NUMBER_BEGINS:
                    self.addresses[slot.name, at[: slot.depth]] = scalar_of(literal)
                continue
            if kind is _TEXT or kind is _SOURCE or kind is _PLACE:
                if not is_null:
                    continue
            elif is_null or kind is _WHOLE or kind is _WHOLE_SOURCE:
                continue
            elif kind is _EVENT or kind is _ONCE:
                if literal in _SILENT:
                    continue
                value = scalar_of(literal)
            elif kind is _LATEST:
                value = scalar_of(literal)
            self.marks.append((slot, at, value, where))

    def _container(self, where: tuple[int, int], node: Node, at: At) -> None:
        is_full = not is_empty(self.source, where[0])
        for slot in node.slots:
            kind = slot.kind
            if (
                kind is _DOCUMENT
                or kind is _LATEST
                or (is_full and (kind is _KEEPS or kind is _EVENT or kind is _ONCE))
            ):
                self.marks.append((slot, at, None, where))

    def _object(self, begin: int, entry: Members, at: At) -> int:
        source, start = self.source, begin + 1
        if source[start] != _QUOTE:
            start = skip_blanks(source, start)
        if entry.which is None:
            return self._members(start, entry, at, ())
        chosen_by = []
        while entry.which is not None:
            chosen_by.append(b'"%b"' % entry.which.encode())
            inner = _variant(entry, _value_of(source, start, chosen_by[-1], last=self._is_careful))
            if inner is None:
                return self._members(start, _NOTHING, at, chosen_by)
            entry = inner
        return self._members(start, entry, at, chosen_by)

    def _members(self, position: int, entry: Members, at: At, chosen_by: Sequence[bytes]) -> int:
        """Read the members of an object from the first one on; returns where the object ends.

        ``chosen_by`` are the names of the members by whose values the shape of the object was chosen.
        """
        source, match = self.source, MEMBER.match
        known, other = entry.quoted or {}, entry.other
        names = []
        while (member := match(source, position)) is not None:
            name, flat = member.groups()
            if b"\\" in name:
                name = _plain_name(name)
            names.append(name)
            node = known.get(name, other)
            if flat is not None:
                position = member.end()
                if node is None or not node.slots or (flat in _EMPTY and node.is_quiet):
                    continue
                if flat[0] == _QUOTE:
                    self._string(member.span(2), node, at, flat)
                else:
                    self._scalar(member.span(2), node, at, flat)
                continue
            begin = member.end()
            end = skip_value(source, begin) if node is None else self.value(begin, node, at)
            position = end if source[end] == _BRACE_END else skip_separator(source, end)
        if len(set(names)) < len(names) and any(
            names.count(name) > 1 for name in names if name in known or name in chosen_by
        ):
            raise _NameTwiceError
        return position + 1

    def _array(self, begin: int, node: Node, at: At) -> int:
        source = self.source
        position, index = skip_blanks(source, begin + 1), 0
        while source[position] != _BRACKET_END:
            end = self.value(position, node, (*at, index))
            position = end if source[end] == _BRACKET_END else skip_separator(source, end)
            index += 1
        return position + 1


class _CarefulWalk(_Walk):
    """The walk of a source in which a name that counts stands twice: what the earlier one gave is taken back."""

    __slots__ = ()

    _is_careful = True

    def run(self, shapes: Shapes) -> Reading:
        self.addresses = _Log()
        self.value(skip_blanks(self.source, 0), shapes.root, ())
        return list(filter(None, self.marks)), dict(filter(None, self.addresses))

    def _members(self, position: int, entry: Members, at: At, chosen_by: Sequence[bytes]) -> int:  # noqa: ARG002
        source, known = self.source, entry.quoted or {}
        found: dict[bytes, tuple[slice, slice]] = {}  # what each name gave
        while (member := MEMBER.match(source, position)) is not None:
            name = _plain_name(member[1])
            value = member.end() if member[2] is None else member.start(2)
            node = known.get(name, entry.other)
            if name in found:
                for entries, span in zip((self.marks, self.addresses), found.pop(name), strict=True):
                    entries[span] = [None] * (span.stop - span.start)
            if node is None:
                end = skip_value(source, value)
            else:
                begins = len(self.marks), len(self.addresses)
                end = self.value(value, node, at)
                if name in known:
                    found[name] = slice(begins[0], len(self.marks)), slice(begins[1], len(self.addresses))
            position = skip_separator(source, end)
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


_NOTHING = Members({})


def _variant(entry: Members, literal: bytes | None) -> Members | None:
    value = "true" if literal == b"true" else ""
    if literal is not None and literal[:1] == b'"':
        value = string_of(literal)
    variants = entry.variants or {}
    return variants.get(value, entry.default)


def _value_of(source: bytes, position: int, wanted: bytes, *, last: bool) -> bytes | None:
    """The literal of a member of the object whose first member stands here: of the first or last one of that name."""
    found = None
    while (member := MEMBER.match(source, position)) is not None:
        literal, flat = member.groups()
        if literal == wanted or (b"\\" in literal and _plain_name(literal) == wanted):
            found = flat
            if not last:
                break
        position = (
            member.end() if flat is not None else skip_separator(source, skip_value(source, member.end()))
        )
    return found


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
        if not (self._changes or self._inserted or self._appended or self._taken):
            return []
        found = list(self._changes)
        for (begin, end), members in self._inserted.items():
            if self.source[begin : begin + 1] != b"{":
                found.append((begin, end, to_json_bytes(members)))
                continue
            text = to_json(members)[1:-1]
            comma = "" if is_empty(self.source, begin) else ","
            found.append((begin + 1, begin + 1, (text + comma).encode()))
        for (begin, end), values in self._appended.items():
            comma = "" if is_empty(self.source, begin) else ","
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
            elif source[(after := skip_separator(source, end))] not in b"]":
                end = after  # noqa: PLW2901
            yield begin, end, b""


def apply(source: bytes, changes: Sequence[Change]) -> bytes:
    """``source`` with these spans replaced."""
    if not changes:
        return source
    out: list[bytes] = []
    done = 0
    for begin, end, value in changes:
        out += (source[done:begin], value)
        done = end
    out.append(source[done:])
    return b"".join(out)
