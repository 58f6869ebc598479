"""The lexical forms of JSON in bytes that are known to be an event: how to get past what is not read.

Nothing here says what JSON is (``json_text`` does), so the patterns are the shortest that find the ends.
"""

from __future__ import annotations

import re

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb'[^][{}",:\s]++'
_BLANK = rb"[ \t\r\n]*+"

_BLANKS = re.compile(_BLANK)
_STRUCTURE = re.compile(_STRING + rb"|[\[\]{}]", re.DOTALL)
_FLAT = re.compile(_STRING + rb"|" + _SCALAR, re.DOTALL)
_SEPARATOR = re.compile(_BLANK + rb",?" + _BLANK)
_DENSE = (b',"', b",{")  # most separators, with what follows
MEMBER = re.compile(
    # A name; a value that is not nested and what separates it from the next member. Most members are one match.
    rb"(%b)%b:%b(?:(%b|%b)%b,?%b)?+" % (_STRING, _BLANK, _BLANK, _STRING, _SCALAR, _BLANK, _BLANK),
    re.DOTALL,
)
"""A name, and a value with what separates it from the next member, unless it is nested."""


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
