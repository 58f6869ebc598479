"""Requests that are plain: the native walk finds their texts, and nothing else of their bytes is read here.

Most requests hold nothing but messages of text. For these the shapes of ``requests.py`` are compiled into a table of
the engine's, by which the native cursor finds each text, and each name that may be one, in one pass over the bytes. It
is a short cut and may decline: where a request holds the name of a person, something signed or encoded, an earlier
conversation, a named member that comes twice or a name spelled with an escape, nothing is said of it, and ``walk``
reads it as it reads every request where there is no native twin. What comes out is the same.

The kinds of the table's slots are read as ``Shapes.plain`` says: text; a member of which nothing is known, whose name
may be text as well; and what takes more than this to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from holdback import _backend
from holdback.masking import _source
from holdback.masking.readers import Collector, Read, Writer
from holdback.masking.requests import AUTO, REQUESTS
from holdback.masking.shapes import DATA, KEPT, OTHERS, SIGNED, TEXT, By, Either, Kind, Shape
from holdback.masking.walk import Walk, may_be_document

_TEXT, _NAME, _VALUE, _STRING, _NO_STRING, _SAYING = range(6)
_KINDS = ("whole", "text", "latest", "whole_source", "document", "keeps")
"""Of each slot: a string; a string or null; what is not null; a string; what is neither; what is not empty."""

_ANYTHING = [_STRING, _NO_STRING]

_DEEP = 50
"""A document that may be deeper than this is left to the walk, which knows how deep it stands."""

_BRACKETS = re.compile(r"[\[{]|[\]}]")

_UNKNOWN = 0
"""The object of which nothing is known."""

_TOKENS = ("prompt", "input")
"""Members of a request that may hold the numbers of tokens in place of text."""


class Plain:
    """A plain request. Texts in it that are documents are walked, each for itself."""

    __slots__ = ("_documents", "_names", "_owners", "_source", "_spans", "_texts", "_trees", "read")

    def __init__(
        self, source: bytes, texts: list[str], spans: list[tuple[int, int]], names: list[str]
    ) -> None:
        self._source, self._texts, self._spans, self._names = source, texts, spans, names
        self._trees: dict[str, Any] = {}
        self._documents: set[int] = set()  # the texts with numbers, which are always looked at again
        self._owners: list[int] = []  # of each text that was read, in which of the request's it stands
        found: list[str] = []
        numbers: dict[str, None] = {}
        count, escapes = 0, b"\\" in source and any("\\" in text for text in texts)
        for at, text in enumerate(texts):
            if may_be_document(text):
                inside = Collector()
                Walk(inside, self._trees).text(text)
                read = inside.read()
                found += read.found
                self._owners += [at] * len(read.found)
                count += read.read
                escapes = escapes or read.escapes
                if read.numbers:
                    numbers |= dict.fromkeys(read.numbers)
                    self._documents.add(at)
            else:
                found.append(text)
                self._owners.append(at)
                count += 1
        self.read = Read(found, names, numbers, escapes, count)
        """What the walk would have collected, but for what stands there twice."""

    def masked(self, writer: Writer) -> bytes | None:
        """The request with placeholders, or as it came; None if one of the names is to change."""
        hits, count = self.read.hits, len(self._owners)
        if any(
            writer.key(name, is_data=False) is not name
            for at, name in enumerate(self._names, count)
            if hits is None or at in hits
        ):
            return None
        changing: Iterable[int] = range(len(self._texts))
        if hits is not None:
            changing = sorted({self._owners[at] for at in hits if at < count} | self._documents)
        ascii_only = self._source.isascii()
        walk = Walk(writer, self._trees)
        out: list[bytes] = []
        done = 0
        for at in changing:
            text = self._texts[at]
            new = walk.text(text) if may_be_document(text) else writer.text(text)
            if new is not text:
                begin, end = self._spans[at]
                out += (self._source[done:begin], _source.literal(new, ascii_only=ascii_only).encode())
                done = end
        if not done:
            return self._source
        out.append(self._source[done:])
        return b"".join(out)

    def __repr__(self) -> str:
        return f"Plain(texts={len(self._texts)})"


def plain(source: bytes, protocol: str) -> Plain | None:
    """The texts of a plain request; None if it is not plain, or there is no native twin."""
    shapes = table(protocol)
    if shapes is None or (found := shapes.plain(source)) is None:
        return None
    texts, spans, names = found
    if any(may_be_document(text) and _may_be_deep(text) for text in texts):
        return None
    return Plain(source, texts, spans, names)


def _may_be_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= _DEEP:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEEP:
            return True
    return "\\" in text  # a document in a document may be deeper than it looks


def table(protocol: str) -> Any:
    """The table of a format; None if there is none, or no native twin."""
    return _table(protocol) if _backend.BACKEND == "native" else None


@cache
def _table(protocol: str) -> Any:
    made = _Table()
    made.root(AUTO if protocol == "auto" else REQUESTS[protocol])
    try:
        return made.compiled()
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
            members[name] = self._add(_ANYTHING, None, None) if known is None else self._tokens(known)
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
                return _ANYTHING, None, None
            return self._meant(kind, number)[0], self._object(inner), number
        if not isinstance(shape, Kind):
            return [_TEXT], self._object(shape), number
        if shape is DATA:  # as a value it is more than text; its source is a document in a text
            return [_TEXT, _NO_STRING], None, None
        if shape is SIGNED:
            return _ANYTHING, None, None
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
