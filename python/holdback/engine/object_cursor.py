"""The cursor over objects: walks a chunk of dicts, lists and pydantic objects by the shape of its format.

It gives the marks that ``bytes_cursor`` gives of the same JSON, with paths in place of spans. The chunk is read and
never changed: ``written`` makes a copy that differs only at the changed paths.

Cost: O(members of the nodes that the shape names).
"""

from __future__ import annotations

import json
from typing import Any

from holdback.engine.json_text import DEEPEST, json_or_none
from holdback.engine.marks import At, Mark, Replace
from holdback.engine.objects import Edit, Path, get, members, with_edits
from holdback.engine.shapes import Kind, Members, Node, Shapes

_ABSENT: tuple[Any, ...] = (None, "", [], {})


class ObjectEvent:
    """A chunk, its marks, and the changes to make in a copy of it."""

    __slots__ = ("_documents", "_edits", "_taken", "addresses", "chunk", "marks")

    def __init__(self, chunk: Any, shapes: Shapes) -> None:
        self.chunk = chunk
        self.marks: list[Mark] = []
        self.addresses: dict[tuple[str, At], Any] = {}
        self._edits: list[Edit] = []
        self._taken: list[Path] = []
        self._value(chunk, shapes.root, (), ())

    def raw(self, where: Path) -> Any:
        node = self.chunk
        for name in where:
            node = get(node, name)
        return node

    def value(self, where: Path) -> Any:
        return self.raw(where)

    def set(self, where: Path, value: str) -> None:
        self._edits.append((where, value))

    def document(self, where: Path, replace: Replace) -> None:
        came = self.raw(where)
        try:
            restored = _restored(came, replace, DEEPEST)
        except ValueError:
            return
        if restored is not came:
            self._edits.append((where, restored))

    def insert(self, where: Path, names: tuple[str, ...], value: Any) -> None:
        self._edits.append(((*where, *names), value))

    def append(self, where: Path, value: Any) -> None:
        self._edits.append(((*where, len(self.raw(where))), value))

    def take_out(self, where: Path, at: At) -> None:  # noqa: ARG002 - the path says it all
        self._taken.append(where)

    def written(self) -> Any:
        """The chunk with the changes made: itself if there are none."""
        if not self._edits and not self._taken:
            return self.chunk
        return with_edits(self.chunk, self._edits, self._taken)

    def _value(self, value: Any, node: Node, at: At, path: Path) -> None:
        if value is None:
            for slot in node.slots:
                kind = slot.kind
                if kind is Kind.TEXT or kind is Kind.SOURCE or kind is Kind.PLACE:
                    self.marks.append((slot, at, None, path))
            return
        of = type(value)
        is_entered = False
        if of is str:
            pass
        elif (entry := node.object) is not None and (
            named := value if of is dict else members(value)
        ) is not None:
            is_entered = True
            if node.slots:
                self._entered(value, node, at, path)
            self._object(named, entry, at, path)
        elif node.array is not None and (of is list or isinstance(value, (list, tuple))):
            is_entered = True
            if node.slots:
                self._entered(value, node, at, path)
            for position, item in enumerate(value):
                self._value(item, node.array, (*at, position), (*path, position))
        if node.slots and not is_entered:
            self._slots(value, node, at, path)

    def _entered(self, value: Any, node: Node, at: At, path: Path) -> None:
        """The marks of a container into which the walk descends."""
        for slot in node.slots:
            kind = slot.kind
            if kind in _ALWAYS or (kind in _IF_ANY and value not in _ABSENT):
                self.marks.append((slot, at, None, path))

    def _slots(self, value: Any, node: Node, at: At, path: Path) -> None:
        is_text = isinstance(value, str)
        for slot in node.slots:
            kind = slot.kind
            if kind is Kind.TEXT or kind is Kind.SOURCE or kind is Kind.WHOLE or kind is Kind.WHOLE_SOURCE:
                if is_text:
                    self.marks.append((slot, at, value, path))
            elif kind is Kind.ADDRESS:
                own = getattr(value, "value", value) if not is_text else value
                if isinstance(own, (str, int, float)) and not isinstance(own, bool):
                    self.addresses[slot.name, at[: slot.depth]] = own
            elif kind is Kind.KEEPS:
                if value not in _ABSENT:
                    self.marks.append((slot, at, None, path))
            elif kind is Kind.DOCUMENT:
                if not is_text:
                    self.marks.append((slot, at, None, path))
            elif kind is Kind.LATEST or (kind is not Kind.PLACE and value):
                own = getattr(value, "value", value)
                self.marks.append((slot, at, own, path))

    def _object(self, named: Any, entry: Members, at: At, path: Path) -> None:
        while entry.which is not None:
            value = named.get(entry.which)
            value = getattr(value, "value", value)
            value = "true" if value is True else value if isinstance(value, str) else ""
            inner = (entry.variants or {}).get(value, entry.default)
            if inner is None:
                return
            entry = inner
        known, other = entry.members, entry.other
        if other is None and len(known) < len(named):
            for name, node in known.items():
                if name in named:
                    self._value(named[name], node, at, (*path, name))
            return
        for name, value in named.items():
            own = known.get(name)
            if own is not None:
                self._value(value, own, at, (*path, name))
            elif other is not None and value is not None:
                self._value(value, other, at, (*path, name))


_ALWAYS = frozenset((Kind.PLACE, Kind.DOCUMENT, Kind.LATEST))
_IF_ANY = frozenset((Kind.EVENT, Kind.ONCE))


def _restored(value: Any, replace: Replace, depth: int) -> Any:
    """A JSON value with its strings, its names and its numbers restored; itself if nothing changed.

    :raises ValueError: it is nested deeper than JSON may be.
    """
    if isinstance(value, (dict, list, tuple)) and not depth:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        new = {
            _restored(name, replace, 0): _restored(inner, replace, depth - 1) for name, inner in value.items()
        }
        is_same = all(
            a is b and one is two for (a, one), (b, two) in zip(new.items(), value.items(), strict=False)
        )
        return value if is_same and len(new) == len(value) else new
    if isinstance(value, (list, tuple)):
        items = [_restored(inner, replace, depth - 1) for inner in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    source = json_or_none([value])
    restored = replace(source) if source is not None else source
    return value if restored is None or restored == source else json.loads(restored)[0]
