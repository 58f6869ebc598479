"""JSON source, read into a tree and written back with a few of its strings changed.

``read`` gives a tree in which nothing of the source is lost that masking needs to see: an object is ``Members``, all
of its pairs with duplicates, in order; a number is a ``Number``, spelled as it stands there. Whoever changes the tree
makes new nodes on the way to what changed and keeps the others.

``write`` compares both trees. Their strings, names included, and numbers stand in the source in the same order, each as
one token, so what became another is known by the number of its token, and a string literal is written in its place.
Every byte outside those literals stays as it came: spacing, order, duplicates, and the spelling of numbers and escapes.

What JSON is: RFC 8259, and NaN, Infinity and lone surrogates; an object or array may be 200 deep. Cost: O(size of
the source), once for reading, which the C scanner of ``json`` does, and once for writing.
"""

from __future__ import annotations

import contextlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json

from holdback.errors import MaskingError

MOST_DEEP = 200
"""How many objects and arrays may stand one inside another."""

Pair = tuple[str, Any]


class Members(list[Pair]):
    """An object: its pairs of name and value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Members({len(self)})"


class Number(str):
    """A number, as it is spelled."""

    __slots__ = ()

    def spellings(self) -> set[str]:
        """How it is spelled here, and how ``json.dumps`` would spell what ``json.loads`` makes of it."""
        spelled = {str(self)}
        with contextlib.suppress(ValueError):  # an integer of thousands of digits
            spelled.add(json.dumps(json.loads(self)))
        return spelled

    def __repr__(self) -> str:
        return "Number()"


_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")

_SCANNER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=Number
)
_TOKEN = re.compile(r'"|-?(?:[0-9][0-9.eE+-]*|Infinity)|NaN')
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?+', re.DOTALL)
"""A string literal, or the rest of the source if it does not end."""

_HALF = re.compile("[\ud800-\udfff]")


def read(source: str) -> Any:
    """The tree of a JSON text.

    :raises json.JSONDecodeError: it is none.
    :raises RecursionError: it is far too deep. What is a little too deep is for the reader of the tree to see.
    """
    return _SCANNER.decode(source)


def read_request(data: bytes) -> tuple[bytes, str, Any]:
    """The mark that its encoding begins with, if any; the source of a request, and its tree.

    :raises MaskingError: it is no JSON object that can be read.
    """
    if data.startswith(_COMPRESSED):
        raise MaskingError("the request is compressed: masking needs the decoded bytes")
    problem = ""
    source, tree = "", None
    try:
        source = data.removeprefix(BOM_UTF8).decode()
        tree = read(source)
    except UnicodeDecodeError as error:
        problem = f"the request is no UTF-8: byte {error.start} is wrong"
    except json.JSONDecodeError as error:
        problem = f"the request is no JSON: it cannot be read beyond character {error.pos}"
    except RecursionError:
        problem = f"the request is nested deeper than {MOST_DEEP}"
    if problem:
        raise MaskingError(problem)
    if not isinstance(tree, Members):
        raise MaskingError("the request is no JSON object")
    return BOM_UTF8 if data.startswith(BOM_UTF8) else b"", source, tree


def strings(source: str) -> Iterator[str]:
    """What the string literals of a source say, however deep they stand, be it a JSON text or not."""
    for found in _STRING.finditer(source):
        try:
            yield json.loads(found[0])
        except ValueError:
            continue


def write(source: str, old: Any, new: Any) -> str:
    """``source``, whose tree is ``old``, as ``new`` says."""
    changes: dict[int, str] = {}
    _collect(old, new, 0, changes)
    ascii_only = source.isascii()
    out: list[str] = []
    done = end = number = 0
    while changes:
        begin, end = _token(source, end)
        if (text := changes.pop(number, None)) is not None:
            out += (source[done:begin], literal(text, ascii_only=ascii_only))
            done = end
        number += 1
    out.append(source[done:])
    return "".join(out)


def _token(source: str, at: int) -> tuple[int, int]:
    """Where the next string or number begins and ends; there is one."""
    found = _TOKEN.search(source, at)
    assert found is not None, "the tree is that of the source"  # noqa: S101
    if found[0] != '"':
        return found.span()
    begin = found.start()
    end = source.find('"', begin + 1)
    if source.find("\\", begin + 1, end) >= 0:
        return begin, _SCANNER.raw_decode(source, begin)[1]
    return begin, end + 1


def _collect(old: Any, new: Any, number: int, changes: dict[int, str]) -> int:
    """Note what changed, by the number of its token: ``number`` come before ``old``. Returns how many come before
    what follows.
    """
    if isinstance(old, str):
        if new is not old:
            changes[number] = new
        return number + 1
    if isinstance(old, Members):
        for (old_name, old_value), (new_name, new_value) in zip(old, new, strict=True):
            if new_name is not old_name:
                changes[number] = new_name
            number = _collect(old_value, new_value, number + 1, changes)
    elif isinstance(old, list):
        for old_value, new_value in zip(old, new, strict=True):
            number = _collect(old_value, new_value, number, changes)
    return number


def literal(text: str, *, ascii_only: bool) -> str:
    r"""A string literal. A lone surrogate, which has no UTF-8, is written as ``\uXXXX``."""
    if text.isascii() and "\x7f" not in text:
        return to_json(text).decode()  # the same literal, sooner
    escapes = ascii_only or _HALF.search(text) is not None
    return json.dumps(text, ensure_ascii=escapes)
