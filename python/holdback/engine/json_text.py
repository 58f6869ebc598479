r"""What JSON is to this library, and how it is written.

An *event* is one JSON object by RFC 8259, and also with what readers of Python accept: NaN, Infinity and -Infinity,
and lone surrogates spelled ``\uXXXX``. Numbers go by the grammar and may be of any length. Containers are nested at
most 200 deep. The bytes must be UTF-8, without control characters in strings, and nothing but blanks may stand
before and behind. Of members of the same name the last counts. What is not an event passes unread.

One writer serves every output: compact, raw UTF-8, except what a reader could stumble over. A lone surrogate has no
UTF-8, DEL is a control character, and clients that cut lines with ``str.splitlines`` cut at U+0085, U+2028 and
U+2029 as well; all of these leave as ``\uXXXX``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaSerializer, from_json, to_jsonable_python
from pydantic_core import to_json as _to_json

from holdback.engine.objects import dumped
from holdback.errors import HoldbackError

DEEPEST = 200
"""How deep containers may be nested."""

_MAY_BE_DEEP = 2 * DEEPEST
"""An event of no more bytes is not nested too deep: each container has two brackets."""

_MOST_DIGITS = 4000
"""Python reads no integers that are much longer."""

_ESCAPED = re.compile("[\x7f\x85\u2028\u2029\ud800-\udfff]")
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"')
_SCALAR = re.compile(
    rb"(?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity)"
    rb"(?=[ \t\r\n,\]}]|$)"
)


class Repeated(dict[str, Any]):
    """An object in which a name comes twice; of each the last value. ``pairs`` has all."""

    pairs: list[tuple[str, Any]]


def is_event(source: bytes) -> bool:
    """Whether some bytes are one JSON object as this library reads it."""
    return loads(source) is not None


def loads(source: bytes, *, repeated: bool = False) -> dict[str, Any] | None:
    """The event in some bytes as Python's objects; None if it is none.

    ``repeated``: objects in which a name comes twice are to be told from others.
    """
    start = 0
    if not source.startswith(b"{"):
        start = _blanks(source, 0)
        if not source.startswith(b"{", start):
            return None
    # An empty container that is one too deep is the one thing that pydantic reads and this library does not.
    may_be_deep = len(source) > _MAY_BE_DEEP and source.count(b"{") + source.count(b"[") > DEEPEST
    if may_be_deep and not _is_json(source, start):
        return None
    event: dict[str, Any]
    if not repeated:
        try:
            event = from_json(source, cache_strings="keys")
        except ValueError:  # a lone surrogate, a number of thousands of digits, or indeed no JSON
            if not _is_json(source, start):
                return None
        else:
            return event
    event = json.loads(source.decode(), parse_int=_number, object_pairs_hook=_object_of if repeated else None)
    return event


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeated = Repeated(pairs)
    repeated.pairs = pairs
    return repeated


def has_members(source: bytes, count: int) -> bool:
    """Whether all objects of an event surely have so many members together, and no more.

    Each member has a colon, behind a quote and maybe blanks. Elsewhere both stand in strings only.
    """
    return source.count(b":") == count or source.translate(None, b" \t\r\n").count(b'":') == count


def _number(literal: str) -> int | float:
    """An integer of any length: Python refuses to read more than some thousand digits."""
    return int(literal) if len(literal) < _MOST_DIGITS else float(literal)


def _is_json(source: bytes, at: int) -> bool:
    """The same for any source, token by token."""
    try:
        source.decode()
    except UnicodeDecodeError:
        return False
    closers: list[bytes] = []  # of the open containers
    while True:
        # A value begins here.
        token = source[at : at + 1]
        if token in (b"{", b"["):
            closers.append(b"}" if token == b"{" else b"]")
            if len(closers) > DEEPEST:
                return False
            at = _blanks(source, at + 1)
            if source[at : at + 1] != closers[-1]:
                if token == b"{" and (at := _name(source, at)) < 0:
                    return False
                continue
        elif (found := (_STRING if token == b'"' else _SCALAR).match(source, at)) is not None:
            at = _blanks(source, found.end())
            if not closers:
                return at == len(source)
            if source[at : at + 1] == b",":
                at = _blanks(source, at + 1)
                if closers[-1] == b"}" and (at := _name(source, at)) < 0:
                    return False
                continue
        else:
            return False
        # Containers end here.
        while closers and source[at : at + 1] == closers[-1]:
            closers.pop()
            at = _blanks(source, at + 1)
        if not closers:
            return at == len(source)
        if source[at : at + 1] != b",":
            return False
        at = _blanks(source, at + 1)
        if closers[-1] == b"}" and (at := _name(source, at)) < 0:
            return False


def _name(source: bytes, at: int) -> int:
    """Where the value of the member begins whose name stands here; -1 if there is none."""
    found = _STRING.match(source, at)
    if found is None:
        return -1
    at = _blanks(source, found.end())
    return _blanks(source, at + 1) if source[at : at + 1] == b":" else -1


def _blanks(source: bytes, at: int) -> int:
    return _BLANKS.match(source, at).end()  # type: ignore[union-attr]  # it matches anything


def string_of(literal: bytes) -> str:
    """The text of a string literal, quotes included."""
    if b"\\" not in literal:
        return literal[1:-1].decode()
    text: str = json.loads(literal.decode())
    return text


def scalar_of(literal: bytes) -> Any:
    """The value of a literal, or of an object."""
    first = literal[:1]
    if first == b'"':
        return string_of(literal)
    if first == b"{":
        return loads(literal)
    if literal.isdigit() and len(literal) < _MOST_DIGITS:
        return int(literal)
    return json.loads(literal.decode(), parse_int=_number)


def to_json(value: Any) -> str:
    """``value`` as compact JSON. A ``HoldbackError`` that names its type if it has no JSON form."""
    text = json_or_none(value)
    if text is None:
        raise HoldbackError(f"a value of type {type(value).__name__} cannot be written as JSON")
    return text


def to_json_bytes(value: Any) -> bytes:
    """``to_json(value)`` in UTF-8."""
    try:
        data = _to_json(value)
    except ValueError:
        return to_json(value).encode()
    return data if data.isascii() and b"\x7f" not in data else _escape(data.decode()).encode()


def json_or_none(value: Any) -> str | None:
    """``value`` as compact JSON; None if it has no JSON form."""
    try:
        text = _to_json(value).decode()
    except ValueError:  # a lone surrogate, or what only json can say no to
        return _stdlib_json(value)
    return text if text.isascii() and "\x7f" not in text else _escape(text)


def model_json(model: type[BaseModel]) -> Callable[[Any], str | None] | None:
    """A writer of what ``to_json(chunk.model_dump())`` would give, without the dump in between.

    None if ``model_dump`` does something of its own, so that only calling it tells. LiteLLM's does one
    known thing: it leaves out what was not set. NaN and infinities, which JSON does not have, become what the
    model's own JSON makes of them: null, unless it is configured otherwise.
    """
    dump = model.model_dump
    only_set = (dump.__module__, dump.__qualname__) == ("litellm.types.utils", "ModelResponseBase.model_dump")
    serializer = model.__pydantic_serializer__
    if not (only_set or dump is BaseModel.model_dump) or not isinstance(serializer, SchemaSerializer):
        return None
    write, to_python = serializer.to_json, serializer.to_python

    def model_to_json(chunk: Any) -> str | None:
        # No warnings: pydantic's quote the value that surprised it.
        try:
            text = write(chunk, exclude_unset=only_set, warnings=False).decode()
        except ValueError:
            return _stdlib_json(to_python(chunk, exclude_unset=only_set, warnings=False))
        return text if text.isascii() and "\x7f" not in text else _escape(text)

    return model_to_json


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda unit: f"\\u{ord(unit[0]):04x}", text)


def _stdlib_json(value: Any) -> str | None:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):
        return None
    return _escape(text)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dumped(value)
    return to_jsonable_python(value)
