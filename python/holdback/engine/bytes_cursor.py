"""The cursor over bytes: reads the JSON of one event once, and changes only the spans that are to change.

Loading and dumping is not neutral: it loses spacing, the order and duplicates of members, the spelling of numbers and
escapes. So the source is loaded to be read, walked by the shape of the format, and never dumped: what is restored is
replaced in place, and where that place is, is found when it is to change.

Rules. The source is known to be an event (``json_text``). Of members of the same name that the shape names the last
counts. A place in an array is the span of its element, so that the element can be taken out, with the comma that
belongs to it. A value where none was is put first into its object.

``rust/core/src/wire/cursor.rs`` is the twin of the walk, which finds the spans at once. Cost: O(size of the source).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from holdback.engine import json_text
from holdback.engine.json_lexis import Nth, Spans, Where, is_empty, skip_separator
from holdback.engine.json_text import scalar_of, to_json, to_json_bytes
from holdback.engine.marks import At, Mark, Replace
from holdback.engine.shapes import Kind, Members, Node, Shapes

Change = tuple[int, int, bytes]
"""A span of the source, and what stands there instead."""

Reading = tuple[list[Mark], dict[tuple[str, At], Any]]
"""Marks with spans, and addresses."""

# Names of the module: a kind is looked up for each value, and a member of an enum is slow to find.
_ADDRESS, _EVENT, _ONCE, _KEEPS = Kind.ADDRESS, Kind.EVENT, Kind.ONCE, Kind.KEEPS
_DOCUMENT, _LATEST, _PLACE = Kind.DOCUMENT, Kind.LATEST, Kind.PLACE


def read(shapes: Shapes, source: bytes, *, natively: bool) -> BytesEvent | None:
    """The event in some bytes; None if they are none. The native twin does what is written here."""
    if natively:
        reading: Reading | None = shapes.native.walk(source)
        return None if reading is None else BytesEvent(source, reading)
    tree = json_text.loads(source)
    if tree is None:
        return None
    event = LoadedEvent(source, tree, shapes.root)
    if not json_text.has_members(source, event.members):  # a name may come twice in an object
        return LoadedEvent(source, json_text.loads(source, repeated=True), shapes.root)
    return event


class _Edits:
    """What is to change in an event."""

    __slots__ = ("appended", "changed", "inserted", "set", "taken")

    def __init__(self) -> None:
        self.set: list[tuple[Any, str]] = []
        self.changed: list[Change] = []
        self.inserted: dict[tuple[int, int], dict[str, Any]] = {}
        self.appended: dict[tuple[int, int], list[Any]] = {}
        self.taken: dict[tuple[int, int], At] = {}


class BytesEvent:
    """An event as the bytes of its JSON, and the changes to make there; its marks say spans."""

    __slots__ = ("_edits", "addresses", "marks", "source")

    def __init__(self, source: bytes, reading: Reading) -> None:
        self.source = source
        self.marks, self.addresses = reading
        self._edits: _Edits | None = None  # most events change in nothing

    def span(self, where: Any) -> tuple[int, int]:
        """The span of a value."""
        span: tuple[int, int] = where
        return span

    def raw(self, where: Any) -> Any:
        begin, end = where
        return self.source[begin:end]

    def value(self, where: Any) -> Any:
        return scalar_of(self.raw(where))

    def set(self, where: Any, value: str) -> None:
        self._to_edit().set.append((where, value))

    def document(self, where: Any, replace: Replace) -> None:
        begin, end = self.span(where)
        source = self.source[begin:end].decode()
        restored = replace(source)
        if restored != source:
            self._to_edit().changed.append((begin, end, restored.encode(errors="backslashreplace")))

    def insert(self, where: Any, names: tuple[str, ...], value: Any) -> None:
        node = self._to_edit().inserted.setdefault(self.span(where), {})
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = value

    def append(self, where: Any, value: Any) -> None:
        self._to_edit().appended.setdefault(self.span(where), []).append(value)

    def take_out(self, where: Any, at: At) -> None:
        self._to_edit().taken[self.span(where)] = at

    def _to_edit(self) -> _Edits:
        edits = self._edits
        if edits is None:
            edits = self._edits = _Edits()
        return edits

    def changes(self) -> list[Change]:
        """What is to change in the source, from left to right."""
        edits = self._edits
        if edits is None:
            return []
        found = list(edits.changed)
        for where, value in edits.set:
            begin, end = self.span(where)
            found.append((begin, end, to_json_bytes(value)))
        for (begin, end), members in edits.inserted.items():
            if self.source[begin : begin + 1] != b"{":
                found.append((begin, end, to_json_bytes(members)))
                continue
            text = to_json(members)[1:-1]
            comma = "" if is_empty(self.source, begin) else ","
            found.append((begin + 1, begin + 1, (text + comma).encode()))
        for (begin, end), values in edits.appended.items():
            comma = "" if is_empty(self.source, begin) else ","
            found.append((end - 1, end - 1, (comma + to_json(values)[1:-1]).encode()))
        if edits.taken:
            found += self._removals(edits.taken)
        found.sort()
        return found

    def _removals(self, taken: dict[tuple[int, int], At]) -> Iterable[Change]:
        """The elements that are taken out: each with the comma that is one too many then."""
        source = self.source
        before: dict[At, int] = {}  # how many are gone of each array, so far
        for (begin, end), at in sorted(taken.items()):
            gone = before[at[:-1]] = before.get(at[:-1], 0) + 1
            if gone <= at[-1]:  # one before it stays
                begin = len(source[:begin].rstrip(b" \t\r\n").removesuffix(b",").rstrip(b" \t\r\n"))  # noqa: PLW2901
            elif source[(after := skip_separator(source, end))] not in b"]":
                end = after  # noqa: PLW2901
            yield begin, end, b""


class LoadedEvent(BytesEvent):
    """The same for what was loaded, walked member by member in the order in which they came.

    Its marks say by names and positions where a value stands.
    """

    __slots__ = ("_spans", "_tree", "members")

    def __init__(self, source: bytes, tree: Any, root: Node) -> None:
        super().__init__(source, ([], {}))
        self._tree = tree
        self._spans: Spans | None = None
        self.members = 0  # how many all objects have together
        self._container(tree, root, (), ())

    def span(self, where: Where) -> tuple[int, int]:
        if self._spans is None:
            self._spans = Spans(self.source)
        return self._spans.span(where)

    def raw(self, where: Where) -> Any:
        if not where:
            return self._tree
        node, name = self.raw(where[0]), where[1]
        return node.pairs[name.position][1] if type(name) is Nth else node[name]

    def value(self, where: Where) -> Any:
        return self.raw(where)

    def _container(self, value: Any, node: Node, at: At, where: Where) -> None:
        is_object = isinstance(value, dict)
        if (node.object if is_object else node.array) is None:
            self._unshaped(value, node, at, where)
            return
        for slot in node.places:
            self.marks.append((slot, at, None, where))
        if is_object:
            self._object(value, node.object, at, where)  # type: ignore[arg-type]
        else:
            index, element = 0, node.array
            for inner in value:
                take = self._container if type(inner) is dict else self._value
                take(inner, element, (*at, index), (where, index))  # type: ignore[arg-type]
                index += 1  # noqa: SIM113 - most arrays have one element, for which enumerate() costs more
        for slot, is_always in node.around:
            if value or is_always:
                self.marks.append((slot, at, None, where))

    def _object(self, members: dict[str, Any], shape: Members, at: At, where: Where) -> None:
        self.members += len(members)
        if shape.which is not None:
            shape = _chosen(members, shape)
        known, other = shape.members, shape.other
        for name, value in members.items() if type(members) is dict else _counting(members, known):
            node = known.get(name, other)
            if node is not None and node.means:
                if type(value) is dict and not node.places and not node.around and node.object is not None:
                    self._object(value, node.object, at, (where, name))
                elif type(value) is list or type(value) is dict:
                    self._container(value, node, at, (where, name))
                elif value is not None or node.of_null:
                    self._value(value, node, at, (where, name))
            elif type(value) is dict or type(value) is list:
                self.members += _members_in(value)

    def _value(self, value: Any, node: Node, at: At, where: Where) -> None:
        of = type(value)
        if of is str:
            for slot, has_text in node.of_text if value else node.of_empty:
                self.marks.append((slot, at, value if has_text else None, where))
            for slot in node.named:
                self.addresses[slot.name, at[: slot.depth]] = value
        elif value is None:
            for slot in node.of_null:
                self.marks.append((slot, at, None, where))
        elif isinstance(value, (dict, list)):
            self._container(value, node, at, where)
        else:
            self._scalar(value, node, at, where)

    def _scalar(self, value: Any, node: Node, at: At, where: Where) -> None:
        """The marks of true, false or a number."""
        for slot in node.slots:
            kind = slot.kind
            if kind is _ADDRESS:
                if type(value) is not bool:
                    self.addresses[slot.name, at[: slot.depth]] = value
            elif kind is _KEEPS or kind is _DOCUMENT:
                self.marks.append((slot, at, None, where))
            elif kind is _LATEST or (value and (kind is _EVENT or kind is _ONCE)):
                self.marks.append((slot, at, value, where))

    def _unshaped(self, value: Any, node: Node, at: At, where: Where) -> None:
        """A container into which the walk does not descend."""
        self.members += _members_in(value)
        for slot in node.slots:
            kind = slot.kind
            if (
                kind is _DOCUMENT
                or kind is _LATEST
                or (value and (kind is _KEEPS or kind is _EVENT or kind is _ONCE))
            ):
                self.marks.append((slot, at, None, where))


_NOTHING = Members({})


def _chosen(members: dict[str, Any], shape: Members) -> Members:
    """The shape without a choice to which the members of an object lead."""
    while shape.which is not None:
        chosen_by = members.get(shape.which)
        said = chosen_by if type(chosen_by) is str else "true" if chosen_by is True else ""
        shape = (shape.variants or {}).get(said, shape.default) or _NOTHING
    return shape


def _counting(members: Any, known: dict[str, Node]) -> Iterable[tuple[Nth, Any]]:
    """The members of an object with names that come twice: of those that the shape names, the last of each."""
    last = {name: position for position, (name, _) in enumerate(members.pairs)}
    for position, (name, value) in enumerate(members.pairs):
        if name not in known or last[name] == position:
            yield Nth.of(name, position), value


def _members_in(value: Any) -> int:
    """How many members all objects in a value have together."""
    if isinstance(value, dict):
        return len(value) + sum(map(_members_in, value.values()))
    return sum(map(_members_in, value)) if isinstance(value, list) else 0


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
