"""The lexical forms of JSON in bytes that are known to be an event: where a value stands.

Nothing here says what JSON is (``json_text`` does), so the patterns are the shortest that find the ends.
"""

from __future__ import annotations

import re
from typing import Any

from holdback.engine.json_text import string_of

Where = tuple[Any, ...]
"""Where a value stands: empty for the whole, else where the container stands that has it, and its name or position."""


class Nth(int):
    """The position of a member, in an object in which names come twice."""


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^][{}",:\s]++'
_BLANK = rb"[ \t\r\n]*+"

_BLANKS = re.compile(_BLANK)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_FLAT = re.compile(_STRING + rb"|" + _SCALAR, re.DOTALL)
_SEPARATOR = re.compile(_BLANK + rb",?" + _BLANK)
_DENSE = (b',"', b",{")  # most separators, with what follows
_MEMBER = re.compile(
    # A name; a value that is not nested and what separates it from the next member. Most members are one match.
    rb"(%b)%b:%b(?:(%b|%b)%b,?%b)?+" % (_STRING, _BLANK, _BLANK, _STRING, _SCALAR, _BLANK, _BLANK),
    re.DOTALL,
)


def is_empty(source: bytes, begin: int) -> bool:
    """Whether the container that begins here holds nothing."""
    return source[skip_blanks(source, begin + 1)] in b"]}"


def _end_of(pattern: re.Pattern[bytes], source: bytes, at: int) -> int:
    found = pattern.match(source, at)
    if found is None:
        raise AssertionError("the source was read as JSON before")
    return found.end()


def skip_blanks(source: bytes, at: int) -> int:
    """To the first byte from here on that is no blank."""
    return _end_of(_BLANKS, source, at) if source[at] in b" \t\r\n" else at


def skip_separator(source: bytes, at: int) -> int:
    """Past blanks and a comma, to the next member or element or to the closing bracket."""
    if source[at : at + 2] in _DENSE:
        return at + 1
    return _end_of(_SEPARATOR, source, at)


def skip_value(source: bytes, at: int) -> int:
    """Past the value that begins here."""
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


def span_of(source: bytes, where: Where) -> tuple[int, int]:
    """Where the value begins and ends."""
    if not where:
        begin = skip_blanks(source, 0)
        return begin, skip_value(source, begin)
    above, name = where
    if type(name) is int:
        begin = skip_blanks(source, span_of(source, above)[0] + 1)
        for _ in range(name):
            begin = skip_separator(source, skip_value(source, begin))
        return begin, skip_value(source, begin)
    if type(name) is Nth:
        member = _member(source, span_of(source, above)[0], None, name)
    else:
        literal = b'"%b"' % name.encode(errors="surrogatepass")
        if name.isidentifier() and b"\\u" not in source and source.count(literal) == 1:
            member = _read_member(source, source.find(literal))  # it stands nowhere else
        else:
            member = _member(source, span_of(source, above)[0], literal, 0)
    if member[2] is not None:
        return member.span(2)
    return member.end(), skip_value(source, member.end())


def _member(source: bytes, begin: int, wanted: bytes | None, position: int) -> re.Match[bytes]:
    """The member with that name, or at that position if there is none, of the object that begins here."""
    at = skip_blanks(source, begin + 1)
    while True:
        member = _read_member(source, at)
        name, flat = member.groups()
        if wanted is None:
            if not position:
                return member
            position -= 1
        elif name == wanted or (b"\\" in name and _plain_name(name) == wanted):
            return member
        at = member.end()
        if flat is None:
            at = skip_separator(source, skip_value(source, at))


def _read_member(source: bytes, at: int) -> re.Match[bytes]:
    member = _MEMBER.match(source, at)
    if member is None:
        raise AssertionError("the source was read as JSON before")
    return member


def _plain_name(name: bytes) -> bytes:
    """The literal of a name without escapes."""
    return b'"%b"' % string_of(name).encode(errors="surrogatepass")
