"""Requests that are plain: the native walk finds their texts, and nothing else of their bytes is read here.

Most requests hold nothing but messages of text. For these the shapes of ``requests.py`` are compiled into a table of
the engine's, by which the native cursor finds each text, and each name that may be one, in one pass over the bytes. It
is a short cut and may decline: where a request holds a document, the name of a person, something signed or encoded, an
earlier conversation, a named member that comes twice or a name spelled with an escape, nothing is said of it, and
``walk`` reads it as it reads every request where there is no native twin. What comes out is the same.

The kinds of the table's slots are read as ``Shapes.plain`` says: text; a member of which nothing is known, whose name
may be text as well; and what takes more than this to read.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from holdback import _backend
from holdback.masking import _source
from holdback.masking.readers import Read, Writer
from holdback.masking.requests import AUTO, REQUESTS
from holdback.masking.shapes import DATA, KEPT, OTHERS, SIGNED, TEXT, By, Either, Kind, Shape

_TEXT, _NAME, _VALUE, _STRING, _ANYTHING, _SAYING = range(6)
_KINDS = ("whole", "text", "document", "whole_source", "latest", "keeps")
"""Of each slot: a string; a string or null; any other value; a string; what is not null; what is not empty."""

_UNKNOWN = 0
"""The object of which nothing is known."""

_TOKENS = ("prompt", "input")
"""Members of a request that may hold the numbers of tokens in place of text."""


class Plain(NamedTuple):
    """A plain request."""

    source: bytes
    texts: list[str]
    spans: list[tuple[int, int]]
    """Where the literals of the texts stand."""
    names: list[str]

    def __repr__(self) -> str:
        return f"Plain(texts={len(self.texts)})"

    def read(self) -> Read:
        """What the walk would have collected, but for what stands there twice."""
        escapes = b"\\" in self.source and any("\\" in text for text in self.texts)
        return Read(self.texts, self.names, (), escapes, len(self.texts))

    def masked(self, writer: Writer, hits: set[int] | None) -> bytes | None:
        """The request with placeholders, or as it came; None if one of the names is to change."""
        count = len(self.texts)
        changing = range(count + len(self.names)) if hits is None else sorted(hits)
        ascii_only = self.source.isascii()
        out: list[bytes] = []
        done = 0
        for number in changing:
            if number >= count:
                name = self.names[number - count]
                if writer.key(name, is_data=False) is not name:
                    return None
            elif (new := writer.text(text := self.texts[number])) is not text:
                begin, end = self.spans[number]
                out += (self.source[done:begin], _source.literal(new, ascii_only=ascii_only).encode())
                done = end
        if not done:
            return self.source
        out.append(self.source[done:])
        return b"".join(out)


def plain(source: bytes, protocol: str) -> Plain | None:
    """The texts of a plain request; None if it is not plain, or there is no native twin."""
    table = _table(protocol) if _backend.BACKEND == "native" else None
    if table is None or not _is_utf8(source) or (found := table.plain(source)) is None:
        return None
    return Plain(source, *found)


def _is_utf8(source: bytes) -> bool:
    if not source.isascii():
        try:
            source.decode()
        except UnicodeDecodeError:
            return False
    return True


@cache
def _table(protocol: str) -> Any:
    table = _Table()
    table.root(AUTO if protocol == "auto" else REQUESTS[protocol])
    try:
        return table.compiled()
    except ValueError:  # an object has more members than the cursor tells apart
        return None


class _Table:
    """A request's shape, as the engine's cursor takes it."""

    def __init__(self) -> None:
        self._nodes: list[tuple[list[int], int | None, int | None]] = []
        self._objects: list[Any] = [None]
        self._known: dict[object, int] = {}
        text = self._node(TEXT)
        member = self._add([_TEXT, _NAME, _VALUE], _UNKNOWN, text)
        self._objects[_UNKNOWN] = ([], member, None)
        self._member = member

    def compiled(self) -> Any:
        slots: list[Any] = [(None, kind, 0, [], False, "text") for kind in _KINDS]
        return _backend.Shapes(slots, self._nodes, self._objects, self._root)

    def root(self, shape: Any) -> None:
        """A request of this shape."""
        members = {name: self._node(inner) for name, inner in shape.items() if name != OTHERS}
        for name in _TOKENS:
            known = members.get(name)
            members[name] = self._add([_ANYTHING], None, None) if known is None else self._tokens(known)
        self._objects.append((list(members.items()), self._others(shape), None))
        self._root = self._add([], len(self._objects) - 1, None)

    def _tokens(self, number: int) -> int:
        """The same place, but of an array only objects are read: numbers in it are not let through."""
        meant, inner, _ = self._nodes[number]
        element = self._add([*meant, _SAYING], inner, len(self._nodes))
        return self._add(meant, inner, element)

    def _add(self, slots: list[int], inner: int | None, array: int | None) -> int:
        self._nodes.append((slots, inner, array))
        return len(self._nodes) - 1

    def _node(self, shape: Shape) -> int:
        if isinstance(shape, list):
            return self._node(shape[0])
        key: object = shape if isinstance(shape, Kind) else id(shape)
        if key not in self._known:
            number = self._known[key] = self._add([], None, None)
            self._nodes[number] = self._meant(shape, number)
        return self._known[key]

    def _meant(self, shape: Any, number: int) -> tuple[list[int], int | None, int | None]:
        """What may stand there; an array is one of the same."""
        if isinstance(shape, Either):
            kind, inner = shape
            inner = inner[0] if isinstance(inner, list) else inner
            if kind is SIGNED or isinstance(inner, Kind):
                return [_ANYTHING], None, None
            return self._meant(kind, number)[0], self._object(inner), number
        if not isinstance(shape, Kind):
            return [_TEXT], self._object(shape), number
        if shape in (DATA, SIGNED):
            return [_ANYTHING], None, None
        return [] if shape is KEPT else [_TEXT] if shape is TEXT else [_STRING], _UNKNOWN, number

    def _object(self, shape: Any) -> int:
        key = (id(shape), "object")
        if key not in self._known:
            number = self._known[key] = len(self._objects)
            self._objects.append(None)
            if isinstance(shape, By):
                chosen = [(value, self._object(inner)) for value, inner in shape.shapes.items()]
                self._objects[number] = ([], None, (shape.member, chosen, self._object(shape.other)))
            else:
                members = [(name, self._node(inner)) for name, inner in shape.items() if name != OTHERS]
                self._objects[number] = (members, self._others(shape), None)
        return self._known[key]

    def _others(self, shape: Any) -> int:
        return self._node(shape[OTHERS]) if OTHERS in shape else self._member
