r"""The byte layer's one hot question: how far can these bytes go out unread?

Twin of ``rust/core/src/scan.rs``. A scan takes bytes that begin at the border of an event and returns the end of the
last whole event before the first place where reading might matter: a byte that could begin a placeholder in any JSON
spelling, or the name of a field that carries JSON source (whose channel must see every fragment).

It may be too careful, never too bold. A code point stands in a JSON string as itself, as ``\uXXXX`` or as one of
the short escapes, so the places that matter are the first bytes of the keys, any ``\u``, the short escape of a
first code point that has one, and the field names, in which an escape would be a ``\u`` again. The mark that ends
a stream matters too.

Cost: one search per pattern over the bytes, none of them in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

JSON_FIELDS = ("_json", "_call")
"""Pieces of the names whose presence means that a channel of JSON source may be fed, ended or replaced: of
`partial_json`; of `tool_calls`, `function_call`, `function_call_arguments`, `mcp_call_arguments`."""

END = b"[DONE]"
"""What ends a stream: nothing is restored behind it."""

_SHORT_ESCAPES = {"\b": b"\\b", "\f": b"\\f", "\n": b"\\n", "\r": b"\\r", "\t": b"\\t", "/": b"\\/"}


class Scanner:
    """What must be looked at, for the keys that begin with these code points."""

    __slots__ = ("_escapes", "_first", "_firsts")

    def __init__(self, firsts: Iterable[str]) -> None:
        leads = sorted({unit.encode("utf-8", "surrogatepass")[:1] for unit in firsts})
        self._escapes = [b"\\u", *(_SHORT_ESCAPES[unit] for unit in firsts if unit in _SHORT_ESCAPES)]
        self._first = leads[0] if len(leads) == 1 else None
        several = b"[" + b"".join(map(re.escape, leads)) + b"]"
        self._firsts = re.compile(several).search if len(leads) > 1 else None

    def quiet(self, data: bytes, start: int) -> int:
        """Where ``data[start:]`` stops being free of all this."""
        limit = len(data)
        if self._first is not None:
            limit = _before(data, self._first, start, limit)
        elif self._firsts is not None and (hit := self._firsts(data, start)):
            limit = hit.start()
        # One byte is found many times as fast as several, so a rare one goes first.
        if data.find(b"\\", start, limit) >= 0:
            for escape in self._escapes:
                limit = _before(data, escape, start, limit)
        if data.find(b"D", start, limit) >= 0:
            limit = _before(data, END, start, limit)
        return limit


class Scan:
    """The scan of one wire format; see the stub ``holdback/_native.pyi``."""

    __slots__ = ("_field", "_lines", "_longest", "_quiet", "is_open", "passed")

    def __init__(self, scanner: Scanner, *, lines: bool, field: str, longest: int) -> None:
        self._quiet = scanner.quiet
        self._field = field.encode() if field in JSON_FIELDS else b""
        self._lines = lines
        self._longest = longest
        self.passed = 0
        self.is_open = False

    def _end(self, data: bytes, start: int) -> int:
        """Where the run that begins at ``start`` ends."""
        limit = self._quiet(data, start)
        if self._field:
            limit = _before(data, self._field, start, limit)
        return (
            data.rfind(b"\n", start, limit) + 1 or start if self._lines else last_border(data, start, limit)
        )

    def passes(self, data: object, /) -> bool:
        if (
            not self.is_open
            or type(data) is not bytes
            or len(data) > self._longest
            or self._end(data, 0) < len(data)
        ):
            return False
        self.passed += len(data)
        return True

    def run(self, data: bytes, start: int, _event: None, /) -> tuple[bytes, int]:
        end = self._end(data, start)
        return data[start:end], end

    def read(self, rest: bytes, data: bytes, _event: None, /) -> tuple[bytes, bytes, bool]:
        data = rest + data if rest else data
        end = self._end(data, 0)
        quiet, left = data[:end], data[end:]
        self.passed += end
        self.is_open = not left
        if 13 in left:  # a byte is found faster as a number
            return quiet, left, False
        return quiet, left, 10 not in left or (not self._lines and last_border(left, 0, len(left)) == 0)


def _before(data: bytes, pattern: bytes, start: int, limit: int) -> int:
    found = data.find(pattern, start, limit)
    return limit if found < 0 else found


def last_border(data: bytes, start: int, limit: int) -> int:
    """The end of the last blank line within ``data[start:limit]``; ``start`` if there is none.

    A line ends with LF, CR LF or CR. A CR LF that the limit cuts ends where it is cut.
    """
    end = limit
    while (end := max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end)) + 1) > start:
        before = end - 2 if data[end - 2 : end] == b"\r\n" and end - 2 >= start else end - 1
        if before == start or data[before - 1] in b"\r\n":
            return end
        end = before
    return start
