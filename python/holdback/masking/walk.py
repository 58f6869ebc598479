"""One walk over a request: each of its texts is handed to a reader, what the reader answers is put in its place.

The walk knows where text stands (``shapes``), what a document is, and how to build the changed tree. It is made twice
with two readers: one collects the texts, the other masks them. A node below which nothing changed is returned itself.
A request is a tree of dicts, lists, pydantic objects and strings, or one that ``_source.read`` made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from holdback._pure.pattern import plain
from holdback.errors import MaskingError
from holdback.masking import _source
from holdback.masking._source import MOST_DEEP, Members, Number
from holdback.masking.shapes import (
    DATA,
    EARLIER,
    ENCODED,
    KEPT,
    NAME,
    OTHERS,
    SIGNED,
    TEXT,
    By,
    Either,
    Kind,
    Shape,
)

_ENCODED = re.compile(
    r"data:[a-z0-9.+/-]*(?:;charset=[a-z0-9-]+)?;base64,[A-Za-z0-9+/_=\r\n-]*|[A-Za-z0-9+/_=\r\n-]{64,}",
)
"""Base64. Without an address in front, what is shorter than an encoded file can be may be anything."""

_BLANKS = " \t\r\n"
_BEGINS = frozenset(_BLANKS + '[{"')
"""What a document may begin with: looked at first, since most texts are none."""

_SIGNATURES = ("signature", "encrypted_content")


def may_be_document(text: str) -> bool:
    """Whether a text begins and ends like a JSON document."""
    if text[:1] not in _BEGINS:
        return False
    text = text.strip(_BLANKS)
    return len(text) > 1 and text[0] + text[-1] in ("[]", "{}", '""')


class Reader(Protocol):
    """What the texts are handed to. Each method returns the text that is to stand there."""

    def text(self, text: str) -> str: ...

    def source(self, text: str) -> str:
        """Of a document that is too deep to be walked, as source."""

    def person(self, name: str) -> str:
        """The name of a person who speaks."""

    def key(self, name: str, *, is_data: bool) -> str:
        """The name of a member: of a document, or one of which nothing is known."""

    def number(self, spelling: Number) -> str | None:
        """A number in a document; None leaves it."""


class TooDeep(Exception):
    """An object or array stands deeper than ``MOST_DEEP``."""


class Walk:
    """A walk with one reader; ``documents`` may be shared by walks over the same request."""

    __slots__ = ("_depth", "_documents", "_place", "_reader", "earlier")

    def __init__(self, reader: Reader, documents: dict[str, Any]) -> None:
        self._reader = reader
        self._documents = documents  # the trees of the documents that were read, by their source
        self._depth = 0
        self._place: list[str] = []
        self.earlier = ""
        """Where the request names something that the provider keeps; empty if it does not."""

    def request(self, node: Any, shape: Shape) -> Any:
        """The request as the reader wants it.

        :raises MaskingError: a node is nothing that JSON has, or too deep.
        """
        try:
            return self._value(node, shape, ())
        except TooDeep:
            pass
        raise MaskingError(f"the request is nested deeper than {MOST_DEEP}")

    def text(self, text: str) -> str:
        """A text as the reader wants it; inside, if it is a document."""
        return self._string(text, TEXT, ())

    def _value(self, node: Any, shape: Shape, owner: Any) -> Any:
        """The node, of this shape, in the object ``owner``."""
        if type(node) is str and type(shape) is Kind:  # the ordinary leaf
            return node if shape is KEPT else self._string(node, shape, owner)
        if isinstance(shape, list):
            shape = shape[0]
        if isinstance(shape, Either):
            kind, inner = shape
            if kind is SIGNED:
                if _is_signed(owner):
                    return node
                shape = inner[0] if isinstance(inner, list) else inner
            elif not isinstance(node, (list, tuple)) or isinstance(node, Members):
                shape = kind if isinstance(node, str) else inner
        if isinstance(node, str):
            if isinstance(node, Number):
                return self._number(node, node) if shape is DATA else node
            return self._string(node, shape, owner)
        if node is None or isinstance(node, bool):
            return node
        if isinstance(node, (int, float)):
            return self._number(node, Number(_spelled(node))) if shape is DATA else node
        if shape is SIGNED and _is_signed(owner):
            return node
        self._depth += 1
        if self._depth > MOST_DEEP:
            raise TooDeep
        if isinstance(node, Members):
            new: Any = self._members(node, shape, node)
        elif isinstance(node, (list, tuple)):
            new = self._list(node, shape, owner)
        elif type(node) is dict:
            new = self._object(node, node, shape)
        elif isinstance(node, BaseModel):
            fields = node.__dict__ | (node.__pydantic_extra__ or {})
            changed = self._object(fields, fields, shape)
            new = node if changed is fields else _updated(node, fields, changed)
        elif isinstance(node, Mapping):
            new = self._object(node, dict(node), shape)
        else:
            raise MaskingError(
                f"{self._where() or 'the request'} is of type {type(node).__name__}, which JSON does not have"
            )
        self._depth -= 1
        return new

    # ---------------------------------------------------------------- nodes

    def _list(self, node: Any, shape: Shape, owner: Any) -> Any:
        new = None
        self._place.append("[]")
        for at, item in enumerate(node):
            changed = self._value(item, shape, owner)
            if changed is not item:
                if new is None:
                    new = list(node)
                new[at] = changed
        self._place.pop()
        return node if new is None else new

    def _object(self, node: Any, members: dict[str, Any], shape: Shape) -> Any:
        """A node with these members; a new dict if something changed."""
        pairs = Members(members.items())
        changed = self._members(pairs, shape, members)
        if changed is pairs:
            return node
        new = dict(changed)
        if len(new) < len(pairs):
            raise MaskingError("two names of an object become one")
        return new

    def _members(self, pairs: Members, shape: Shape, owner: Any) -> Members:
        if isinstance(shape, By):
            shape = _chosen(shape, owner)
        named: Mapping[str, Shape] = shape if isinstance(shape, dict) else {}
        is_data = shape is DATA
        others = named.get(OTHERS, DATA if is_data else TEXT)
        new: Members | None = None
        place = self._place
        for at, (name, value) in enumerate(pairs):
            key = name
            if (inner := named.get(name)) is None:
                inner = others
                if OTHERS not in named and isinstance(name, str):
                    key = self._reader.key(name, is_data=is_data)
            if inner is KEPT and type(value) is str:
                changed = value
            else:
                place.append("…" if inner is others else name)
                changed = self._value(value, inner, owner)
                place.pop()
            if changed is not value or key is not name:
                if new is None:
                    new = Members(pairs)
                new[at] = (key, changed)
        return pairs if new is None else new

    def _where(self) -> str:
        """Where the walk is, as the tables name places."""
        return "".join(part if part == "[]" else f".{part}" for part in self._place).removeprefix(".")

    # ---------------------------------------------------------------- leaves

    def _string(self, node: str, shape: Shape, owner: Any) -> str:
        if shape is KEPT:
            return node
        text = plain(node)
        if shape is EARLIER:
            if text and not self.earlier:
                self.earlier = self._where()
            return node
        if shape is NAME:
            new = self._reader.person(text)
        elif (shape is ENCODED and _ENCODED.fullmatch(text)) or (shape is SIGNED and _is_signed(owner)):
            return node
        elif (tree := self._document(text)) is None:
            new = self._reader.text(text)
        else:
            new = self._in_document(text, tree)
        return node if new is text else new

    def _document(self, text: str) -> Any:
        """The tree of a text that is a JSON document; None if it is none; ``TooDeep`` if it is too deep."""
        if not may_be_document(text):
            return None
        if text not in self._documents:
            try:
                tree = _source.read(text)
            except ValueError:
                tree = None
            except RecursionError:
                tree = TooDeep
            self._documents[text] = tree
        return self._documents[text]

    def _in_document(self, text: str, tree: Any) -> str:
        depth = self._depth
        if tree is not TooDeep:
            try:
                new = self._value(tree, DATA, ())
            except TooDeep:
                self._depth = depth
            else:
                return text if new is tree else _source.write(text, tree, new)
        return self._reader.source(text)

    def _number(self, node: Any, spelling: Number) -> Any:
        new = self._reader.number(spelling)
        return node if new is None else new


def _all(owner: Any, name: str) -> Iterable[Any]:
    """The values of the members of that name."""
    if isinstance(owner, Members):
        return [value for other, value in owner if other == name]
    if isinstance(owner, dict) and name in owner:
        return (owner[name],)
    return ()


def _pairs(owner: Any, name: str) -> Iterable[tuple[str, Any]]:
    return ((name, value) for value in _all(owner, name))


def _is_signed(owner: Any) -> bool:
    return any(
        values and all(isinstance(value, str) and value for value in values)
        for values in (list(_all(owner, name)) for name in _SIGNATURES)
    )


def _chosen(shape: By, owner: Any) -> Shape:
    """The shape that the object's own member says; ``other`` if it says two things."""
    said: Any = None
    if type(owner) is dict:
        said = owner.get(shape.member)
    else:
        member, is_said = shape.member, False
        for name, value in owner if isinstance(owner, Members) else _pairs(owner, member):
            if name == member:
                if is_said and value != said:
                    return shape.other
                said, is_said = value, True
    return shape.shapes.get(plain(said), shape.other) if isinstance(said, str) else shape.other


def _spelled(number: float) -> str:
    try:
        return json.dumps(number)
    except ValueError:  # an integer of thousands of digits
        return ""


def _updated(model: BaseModel, before: dict[str, Any], after: dict[str, Any]) -> Any:
    """A copy of the model with these members; a dict if one of their names became another."""
    if after.keys() != before.keys():
        return after
    changed = {name: value for name, value in after.items() if value is not before.get(name)}
    return model.model_copy(update=changed)
