"""A walk over types: every place in a value of a type where a string may stand, with a value that has one there.

It reads pydantic models, TypedDicts, dataclasses, unions, lists and dicts, whatever library made them. A *leaf* has a
path, such as ``choices[].delta.content``, and a sample: the least JSON value of the type with ``MARK`` at that place.

- ``[]`` is an element of a list, ``{}`` a document of any shape, ``{k}`` a member of a dict;
- where several kinds of object may stand the path says which, in brackets, by its ``type`` or by its class;
- literals, enums, numbers, dates and bytes are no strings. A class inside itself is walked once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from typing_extensions import is_typeddict

MARK = "<PERSON_1>"


class Leaf(NamedTuple):
    """A place for a string, and a value that has ``MARK`` there."""

    path: str
    sample: Any


BESIDE: dict[str, dict[str, Any]] = {"stringValue": {"jsonPath": "$.a"}}
"""What a member makes no sense without."""


class Member(NamedTuple):
    """A member of an object type."""

    type: Any
    is_required: bool


def leaves(kind: Any, seen: frozenset[Any] = frozenset()) -> Iterator[Leaf]:
    """Every leaf of a type."""
    kind = plain(kind)
    if kind is str:
        yield Leaf("", MARK)
    elif kind in (Any, object):
        yield Leaf("{}", {"k": MARK})
    elif _is_union(kind):
        variants = [plain(one) for one in typing.get_args(kind)]
        if any(literals(variant) for variant in variants):  # an enum that may get new values
            variants = [variant for variant in variants if variant not in (Any, object, str)]
        objects = [one for one in variants if members(one) is not None]
        for variant in variants:
            label = f"({label_of(variant)})" if len(objects) > 1 and variant in objects else ""
            for path, sample in leaves(variant, seen):
                yield Leaf(label + path, sample)
    elif (origin := typing.get_origin(kind)) is not None:
        yield from _leaves_of_generic(origin, typing.get_args(kind), seen)
    elif kind in (dict, Mapping):
        yield Leaf("{}", {"k": MARK})
    elif (fields := members(kind)) is not None and kind not in seen:
        for name, member in fields.items():
            for path, sample in leaves(member.type, seen | {kind}):
                beside = {other: value for other, value in BESIDE.get(name, {}).items() if other in fields}
                yield Leaf(f".{name}{path}", {**least_object(kind), **beside, name: sample})


def _leaves_of_generic(origin: Any, arguments: tuple[Any, ...], seen: frozenset[Any]) -> Iterator[Leaf]:
    if not isinstance(origin, type):
        return
    if issubclass(origin, Mapping):
        inner = plain(arguments[-1])
        if inner in (Any, object):
            yield Leaf("{}", {"k": MARK})
        else:
            for path, sample in leaves(inner, seen):
                yield Leaf("{k}" + path, {"k": sample})
    elif issubclass(origin, (Sequence, set, frozenset)) or origin.__name__ == "Iterable":
        for path, sample in leaves(arguments[0], seen):
            yield Leaf("[]" + path, [sample])


def plain(kind: Any) -> Any:
    """A type without what only annotates it."""
    while True:
        if hasattr(typing.get_origin(kind), "__value__"):  # an alias with parameters
            kind = typing.get_origin(kind).__value__[typing.get_args(kind)]
        elif hasattr(kind, "__value__"):  # an alias
            kind = kind.__value__
        elif hasattr(kind, "__supertype__"):  # a NewType
            kind = kind.__supertype__
        elif typing.get_origin(kind) in (typing.Annotated, typing.Required, typing.NotRequired):
            kind = typing.get_args(kind)[0]
        elif isinstance(kind, typing.TypeVar):
            kind = kind.__bound__ or Any
        else:
            return kind


def members(kind: Any) -> dict[str, Member] | None:
    """The members of an object type by their names in JSON; None of a type that is none."""
    if not isinstance(kind, type) or typing.get_origin(kind) is not None:
        return None
    if issubclass(kind, BaseModel):
        fields = {
            field.serialization_alias or field.alias or name: Member(field.annotation, field.is_required())
            for name, field in kind.model_fields.items()
        }
        return {} if set(fields) == {"UNSET"} else fields  # what Mistral's SDK calls an absent value
    if is_typeddict(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
        return {
            name: Member(hint, name in required and typing.get_origin(hint) is not typing.NotRequired)
            for name, hint in hints.items()
        }
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {
            field.name: Member(
                hints[field.name],
                field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            )
            for field in dataclasses.fields(kind)
        }
    return None


def label_of(kind: Any) -> str:
    """What tells a kind of object from others: the value of its ``type``, or its class."""
    fields = members(kind) or {}
    for name in ("type", "event", "object", "role"):
        if name in fields and (values := literals(fields[name].type)):
            return str(values[0])
    return str(getattr(kind, "__name__", kind))


def literals(kind: Any) -> list[Any]:
    """The values that a literal type has, those of an optional one too."""
    kind = plain(kind)
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    if _is_union(kind):
        return [value for one in typing.get_args(kind) for value in literals(one)]
    return []


def least(kind: Any, seen: frozenset[Any] = frozenset()) -> Any:
    """The least JSON value of a type, without a mark."""
    kind = plain(kind)
    if values := literals(kind):
        return values[0]
    if kind in (None, type(None), Any, object):
        return None
    if _is_union(kind):
        variants = [plain(one) for one in typing.get_args(kind)]
        return None if type(None) in variants else least(variants[0], seen)
    origin = typing.get_origin(kind)
    if isinstance(origin, type):
        return {} if issubclass(origin, Mapping) else []
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return next(iter(kind)).value
        for base, value in _LEAST:
            if issubclass(kind, base):
                return value
        if members(kind) is not None:
            return None if kind in seen else least_object(kind, seen | {kind})
    return None


_LEAST: tuple[tuple[type, Any], ...] = (
    (bool, False),
    (int, 0),
    (float, 0.0),
    (str, "x"),
    (bytes, "eA=="),
    (dt.datetime, "2026-01-01T00:00:00Z"),
    (dict, {}),
    (list, []),
)


def least_object(kind: Any, seen: frozenset[Any] = frozenset()) -> dict[str, Any]:
    """The least object of a type: what it requires, and what tells its kind."""
    return {
        name: literals(member.type)[0] if literals(member.type) else least(member.type, seen | {kind})
        for name, member in (members(kind) or {}).items()
        if member.is_required or (name in ("type", "event", "object", "role") and literals(member.type))
    }


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)
