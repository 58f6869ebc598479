"""OpenStrings: the source of open strings, whose escapes are undone level by level.

Twin of ``rust/core/src/json_source/escapes.rs``; what it is part of is told in ``json_source.py``.
"""

from __future__ import annotations

from holdback._pure.escapes import HEX, MEANINGS
from holdback._pure.json_text import Text, Unit
from holdback._pure.stream import StreamBuffer

_LOW_HALF = {3: "dD", 4: "cdefCDEF"}
"""The digits of an escape that may be the mate of a high half, by how much of it has come."""


class OpenStrings(StreamBuffer, of_twin=True):
    """The stack of open strings, and the units that climb it."""

    __slots__ = ("_strings",)

    _strings: list[Text]  # one in the other

    def _take(self, k: int, unit: Unit) -> None:
        """A unit of the text of string ``k``, of the outermost source for 0."""
        raise NotImplementedError

    def _end(self, k: int, quote: Unit) -> None:
        """String ``k`` is closed, with nothing of it waiting."""
        raise NotImplementedError

    def _lex(self, k: int, unit: Unit) -> None:
        """A unit of the source of string ``k``."""
        string = self._strings[k - 1]
        escape, code_point = string.escape, unit[0]
        if not escape:
            if code_point == "\\":
                escape.append(unit)
                return
            self._release_half(k)
            if code_point == '"':
                self._close(k, unit)
            else:
                self._take(k, unit)
        elif len(escape) == 1:
            if code_point == "u":
                escape.append(unit)
                return
            string.escape = []
            self._release_half(k)
            _, raw, is_cut = escape[0]
            self._take(k, (MEANINGS.get(code_point, code_point), raw + unit[1], is_cut))
        elif code_point not in HEX:
            self._release_escape(k)
            self._lex(k, unit)
        else:
            escape.append(unit)
            if code_point not in _LOW_HALF.get(len(escape), code_point):
                self._release_half(k)
            if len(escape) == 6:
                string.escape = []
                code = int("".join(digit for digit, *_ in escape[2:]), 16)
                self._take_escaped(k, code, sum(raw for _, raw, _ in escape), is_cut=escape[0][2])

    def _take_escaped(self, k: int, code: int, raw: int, *, is_cut: bool) -> None:
        r"""The unit that ``\uXXXX`` spells: half a pair waits for the other half, spelled the same way."""
        string = self._strings[k - 1]
        if 0xDC00 <= code <= 0xDFFF and string.half is not None:
            high, high_raw, half_is_cut = string.half
            string.half = None
            code = 0x10000 + ((ord(high) - 0xD800) << 10) + (code - 0xDC00)
            raw += high_raw
            is_cut = is_cut or half_is_cut
        self._release_half(k)
        if 0xD800 <= code <= 0xDBFF:
            string.half = chr(code), raw, is_cut
        else:
            self._take(k, (chr(code), raw, is_cut))

    def _close(self, k: int, quote: Unit) -> None:
        self._release(k + 1)
        self._end(k, quote)

    def _release(self, k: int) -> None:
        """Let go of what waits in string ``k`` and those inside it. It may start an escape one string further in."""
        for inner in range(k, len(self._strings) + 1):
            self._release_half(inner)
            self._release_escape(inner)

    def _release_half(self, k: int) -> None:
        string = self._strings[k - 1]
        if string.half is not None:
            half, string.half = string.half, None
            self._take(k, half)

    def _release_escape(self, k: int) -> None:
        r"""An escape that is none: a lone backslash, or the unit ``u`` spelled ``\u`` and digits read again."""
        string = self._strings[k - 1]
        escape, string.escape = string.escape, []
        if not escape:
            return
        self._release_half(k)
        if len(escape) == 1:
            self._take(k, escape[0])
            return
        _, raw, is_cut = escape[0]
        self._take(k, ("u", raw + escape[1][1], is_cut))
        for digit in escape[2:]:
            self._take(k, digit)
