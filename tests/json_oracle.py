"""A whole-document restorer for JSON source: what the JSON channel must come to, said without a stream.

It sees the whole text at once, takes the outermost document apart, and goes down string by string: decode a
string into units (one character and the source it was spelled with), see whether they hold a document, take
that apart in turn, else restore leftmost-longest and put each original in escaped once per open string. It
shares nothing with the stream; it is slow and looks back and ahead as it likes.

``restore`` is the answer for a finished text. ``emitted`` is the answer for a text that goes on: what must
have left by now and what must be held back, so it predicts every ``feed`` and every ``pending`` exactly.

Readings of the rules where they leave room (each is forced by chunk invariance, or by exactness):

- The first non-blank decides at once, unless it is ``{`` or ``[``: then it waits until that unit is settled,
  and a match that covers it makes text. So a key with a quote in it matches at the very start of a text.
- A quote that comes while ``{`` or ``[`` is still held settles all that is held, as any quote of a document
  does; if that gave a match that covers the bracket, the quote is text, and matching starts afresh there.
- "A leading U+FEFF" is any U+FEFF among the blanks a text starts with, in nested texts too.
- What a closing quote or the end cuts off an escape is read as if any other character had followed: a
  backslash means itself, ``\\u`` without four digits means ``u``, a high half stands alone.
- A high half waits only while what follows can still become its mate: not through ``\\ud83d\\u00``.
- Raw halves that meet anywhere in the source are one character from the start, as in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oracle import join_halves, restore

LEVELS = 8
"""How many open strings are tracked; the innermost of them is text."""

BLANKS = " \t\r\n"
SETTLED = "\ue000"
"""Stands in a text where what was held had to leave, and matches nothing; it decides nothing either."""
HEX = "[0-9a-fA-F]"
HIGH = rf"\\u[dD][89abAB]{HEX}{HEX}"
LOW = rf"\\u[dD][c-fC-F]{HEX}{HEX}"
TOKEN = re.compile(
    rf'(?P<pair>{HIGH}{LOW})|\\u(?P<hex>{HEX}{{4}})|\\(?P<escaped>.)|(?P<quote>")|(?P<plain>.)', re.DOTALL
)
UNFINISHED = re.compile(rf"\\(u{HEX}{{0,3}})?|{HIGH}(\\(u([dD]([c-fC-F]{HEX}?)?)?)?)?")
LONGEST_UNFINISHED = 11
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
NUMBER_OR_LITERAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null")

MUST_ESCAPE = re.compile('["\\\\\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]')
ESCAPED = {'"': '\\"', "\\": "\\\\", **{char: f"\\{name}" for name, char in SHORT.items()}}


class Unit(NamedTuple):
    """One decoded character and all the source it took."""

    char: str
    raw: str


class Result(NamedTuple):
    """What has left, and what is held back (always ``""`` for a finished text)."""

    out: str
    held: str


def escape(text: str, times: int = 1) -> str:
    """``text`` as it stands inside ``times`` strings, one in the other."""
    for _ in range(times):
        text = MUST_ESCAPE.sub(lambda found: ESCAPED.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    return text


def chars_of(units: list[Unit]) -> str:
    return "".join(unit.char for unit in units)


def raw_of(units: list[Unit]) -> str:
    return "".join(unit.raw for unit in units)


def plain_units(source: str) -> list[Unit]:
    return [Unit(char, char) for char in join_halves(source)]


def waiting(source: str) -> tuple[list[Unit], str]:
    """The units of ``source``, and the high half at its end that waits for its mate."""
    units = plain_units(source)
    half = units.pop().raw if units and "\ud800" <= units[-1].char <= "\udbff" else ""
    return units, half


class JsonOracle:
    """The JSON rules for one mapping."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.originals = {join_halves(key): join_halves(original) for key, original in pairs.items()}
        self.longest_first = sorted(self.originals, key=len, reverse=True)

    def restore(self, source: str) -> str:
        """The whole, finished text restored."""
        return self._text(plain_units(source), level=0, goes_on=False).out

    def emitted(self, source: str) -> Result:
        """What has left and what is held when ``source`` has come and more may follow."""
        units, half = waiting(source)
        out, held = self._text(units, level=0, goes_on=True)
        return Result(out, held + half)

    def emitted_of_text(self, source: str) -> Result:
        """The same for a plain channel."""
        units, half = waiting(source)
        out, held = self._matches(units, level=0, goes_on=True)
        return Result(out, held + half)

    def predict(self, pieces: Iterable[str], *, json: bool = True) -> tuple[list[Result], str]:
        """What each feed returns and what is pending after it; what ``flush`` returns."""
        fed, come, left = [], "", ""
        for piece in pieces:
            come += piece
            emitted = self.emitted(come) if json else self.emitted_of_text(come)
            assert emitted.out.startswith(left)
            fed.append(Result(emitted.out[len(left) :], emitted.held))
            left = emitted.out
        whole = self.restore(come) if json else restore(self.originals, come)
        return fed, whole[len(left) :]

    # A text is the outermost source or the content of a string; `level` counts the strings it is in.

    def _text(self, units: list[Unit], level: int, *, goes_on: bool) -> Result:
        chars = chars_of(units)
        first = len(chars) - len(chars.lstrip(BLANKS + "\ufeff" + SETTLED))
        if level == LEVELS or first == len(chars):
            return self._matches(units, level, goes_on=goes_on)
        if chars[first] == '"' and level == 0:
            return self._document(units, level, goes_on=goes_on)
        if chars[first] not in "{[":
            return self._matches(units, level, goes_on=goes_on)
        quote = chars.find('"')
        border = len(chars) if quote < 0 else quote
        at = 0
        while at <= first:  # is there a match that covers the bracket?
            if self._can_grow(chars[at:border]):  # the bracket is held when the border comes
                if goes_on and quote < 0:
                    return Result(self._matches(units[:at], level).out, raw_of(units[at:]))
                if not self._is_covered(chars[:border], at, first):
                    break
                before, after = units[:border], units[border:]
                rest = self._matches(after, level, goes_on=goes_on)
                return Result(self._matches(before, level).out + rest.out, rest.held)
            key = self._key_at(chars[:border], at)
            if key and at + len(key) > first:
                return self._matches(units, level, goes_on=goes_on)
            at += len(key) or 1
        return self._document(units, level, goes_on=goes_on)

    def _is_covered(self, chars: str, at: int, position: int) -> bool:
        while at <= position:
            key = self._key_at(chars, at)
            if key and at + len(key) > position:
                return True
            at += len(key) or 1
        return False

    def _document(self, units: list[Unit], level: int, *, goes_on: bool) -> Result:
        """Take ``units`` apart into what stands outside strings and the strings, which are texts again."""
        chars = chars_of(units)
        out = ""
        at = 0
        while (quote := chars.find('"', at)) >= 0:
            out += self._matches(units[at:quote], level, before=chars[:at]).out + units[quote].raw
            content, end, cut_off = decode(units[quote + 1 :], goes_on=goes_on)
            at = quote + 1 + end
            inner = self._text(content, level + 1, goes_on=goes_on and at == len(units))
            out += inner.out
            if at == len(units):
                return Result(out, inner.held + cut_off)
            out += units[at].raw
            at += 1
        rest = self._matches(units[at:], level, goes_on=goes_on, before=chars[:at])
        return Result(out + rest.out, rest.held)

    # A segment: nothing in it is a border.

    def _matches(
        self, units: list[Unit], level: int, *, goes_on: bool = False, before: str | None = None
    ) -> Result:
        """``units`` restored leftmost-longest; ``before`` is what came earlier in the outermost document.

        Without it they are text, where an original needs no quotes.
        """
        chars = chars_of(units)
        out = ""
        at = 0
        while at < len(units):
            if goes_on and self._can_grow(chars[at:]):
                return Result(out, raw_of(units[at:]))
            key = self._key_at(chars, at)
            if not key:
                out += units[at].raw
            elif level == 0 and before is not None:
                out += self._bare(key, before + chars[:at])
            else:
                out += escape(self.originals[key], level)
            at += len(key) or 1
        return Result(out, "")

    def _bare(self, key: str, before: str) -> str:
        """The original where no string of the document is open."""
        original = self.originals[key]
        numbers = NUMBER_OR_LITERAL.fullmatch(key) and NUMBER_OR_LITERAL.fullmatch(original)
        if not numbers and before.rstrip(BLANKS + SETTLED)[-1:] in {"{", "[", ",", ":"}:
            return f'"{escape(original)}"'
        return original

    def _key_at(self, chars: str, at: int) -> str:
        return next((key for key in self.longest_first if chars.startswith(key, at)), "")

    def _can_grow(self, chars: str) -> bool:
        return bool(chars) and any(key != chars and key.startswith(chars) for key in self.originals)


def decode(units: list[Unit], *, goes_on: bool) -> tuple[list[Unit], int, str]:
    """The content of a string whose opening quote is just before ``units``.

    Also where its closing quote stands (the end if there is none), and, if more may follow, the raw source at
    the end that is no unit yet.
    """
    chars = chars_of(units)
    content: list[Unit] = []
    at = 0
    while at < len(chars):
        short = len(chars) - at <= LONGEST_UNFINISHED
        if goes_on and short and UNFINISHED.fullmatch(chars, at):
            return content, len(units), raw_of(units[at:])
        token = TOKEN.match(chars, at)
        if token is None:  # a backslash is the last character
            char, end = "\\", len(chars)
        elif token["quote"]:
            return content, at, ""
        elif token["pair"]:
            high, low = token["pair"][2:6], token["pair"][8:12]
            char, end = join_halves(chr(int(high, 16)) + chr(int(low, 16))), token.end()
        elif token["hex"]:
            char, end = chr(int(token["hex"], 16)), token.end()
        elif token["escaped"]:
            char, end = SHORT.get(token["escaped"], token["escaped"]), token.end()
        else:
            char, end = token["plain"], token.end()
        content.append(Unit(char, raw_of(units[at:end])))
        at = end
    return content, len(units), ""
