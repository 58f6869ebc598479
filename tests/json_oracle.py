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
- Outside strings a number that is a key is whole: no number's character before it in its document, none behind it.
- One code-fence line may stand before the document, which then ends with the next backquote outside its strings.
- Raw halves that meet anywhere in the source are one character from the start, as in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import word_table
from oracle import join_halves

FENCE_LINE = re.compile("[ \t\r\n\ufeff\ue000]*(?:`\ue000*){3,}(?!`)[^`\r\n]*[\r\n]")
LEVELS = 8
"""How many open strings are tracked; the innermost of them is text."""

BLANKS = " \t\r\n"
SETTLED = "\ue000"
"""Stands in a text where what was held had to leave, and matches nothing; it decides nothing either.

An escape in which it stands is one nevertheless, as it is to a client, but no part of a match.
"""
HEX = "[0-9a-fA-F]"
HIGH = rf"\\u[dD][89abAB]{HEX}{HEX}"
LOW = rf"\\u[dD][c-fC-F]{HEX}{HEX}"
TOKEN = re.compile(
    rf'(?P<pair>{HIGH}{LOW})|\\u(?P<hex>{HEX}{{4}})|\\(?P<escaped>.)|(?P<quote>")|(?P<plain>.)', re.DOTALL
)
UNFINISHED = re.compile(rf"\\(u{HEX}{{0,3}})?|{HIGH}(\\(u([dD]([c-fC-F]{HEX}?)?)?)?)?")
LONGEST_UNFINISHED = 11
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
NUMBER_CHARS = frozenset("0123456789+-.eE")
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
    """The JSON rules for one mapping; with ``words`` its keys match whole words only."""

    def __init__(self, pairs: Mapping[str, str], *, words: bool = False) -> None:
        self.words = words
        self.originals = {join_halves(key): join_halves(original) for key, original in pairs.items()}
        self.longest_first = sorted(self.originals, key=len, reverse=True)

    def restore(self, source: str) -> str:
        """The whole, finished text restored."""
        return self._source(plain_units(source), goes_on=False).out

    def emitted(self, source: str) -> Result:
        """What has left and what is held when ``source`` has come and more may follow."""
        units, half = waiting(source)
        out, held = self._source(units, goes_on=True)
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
        whole = self.restore(come) if json else self._matches(plain_units(come), level=0).out
        return fed, whole[len(left) :]

    def _source(self, units: list[Unit], *, goes_on: bool) -> Result:
        """The outermost source: a code-fence line may stand before it."""
        fence = FENCE_LINE.match(chars_of(units))
        if fence is None:
            return self._text(units, level=0, goes_on=goes_on)
        line, rest = units[: fence.end() - 1], units[fence.end() :]
        out, held = self._text(rest, level=0, goes_on=goes_on, fenced=True)
        return Result(self._matches(line, level=0).out + units[fence.end() - 1].raw + out, held)

    # A text is the outermost source or the content of a string; `level` counts the strings it is in.

    def _text(self, units: list[Unit], level: int, *, goes_on: bool, fenced: bool = False) -> Result:
        chars = chars_of(units)
        first = len(chars) - len(chars.lstrip(BLANKS + "\ufeff" + SETTLED))
        if level == LEVELS or first == len(chars):
            return self._matches(units, level, goes_on=goes_on)
        if chars[first] == '"' and level == 0:
            return self._document(units, level, goes_on=goes_on, fenced=fenced)
        if chars[first] not in "{[":
            return self._matches(units, level, goes_on=goes_on)
        quote = chars.find('"')
        border = len(chars) if quote < 0 else quote
        at = 0
        while at <= first:  # is there a match that covers the bracket?
            if self._can_grow(chars[:border], at):  # the bracket is held when the border comes
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
        return self._document(units, level, goes_on=goes_on, fenced=fenced)

    def _is_covered(self, chars: str, at: int, position: int) -> bool:
        while at <= position:
            key = self._key_at(chars, at)
            if key and at + len(key) > position:
                return True
            at += len(key) or 1
        return False

    def _document(self, units: list[Unit], level: int, *, goes_on: bool, fenced: bool = False) -> Result:
        """Take ``units`` apart into what stands outside strings and the strings, which are texts again."""
        chars = chars_of(units)
        out = ""
        at = 0
        while (quote := chars.find('"', at)) >= 0:
            if fenced and (end := self._fence_end(units[at:quote], chars[:at], goes_on=False)):
                return self._behind_fence(out, units[at:], end, chars[:at], goes_on=goes_on)
            out += self._matches(units[at:quote], level, before=chars[:at]).out + units[quote].raw
            content, end, cut_off = decode(units[quote + 1 :], goes_on=goes_on)
            at = quote + 1 + end
            inner = self._text(content, level + 1, goes_on=goes_on and at == len(units))
            out += inner.out
            if at == len(units):
                return Result(out, inner.held + cut_off)
            out += units[at].raw
            at += 1
        if fenced and (end := self._fence_end(units[at:], chars[:at], goes_on=goes_on)):
            return self._behind_fence(out, units[at:], end, chars[:at], goes_on=goes_on)
        rest = self._matches(units[at:], level, goes_on=goes_on, before=chars[:at])
        return Result(out + rest.out, rest.held)

    def _fence_end(self, units: list[Unit], before: str, *, goes_on: bool) -> int:
        """Behind the first backquote that is no part of a match; 0 if there is none."""
        chars = chars_of(units)
        at = 0
        while at < len(units) and not (goes_on and self._can_grow(chars, at, before)):
            key = self._key_at(chars, at, before)
            at += len(key) or 1
            if not key and chars[at - 1] == "`":
                return at
        return 0

    def _behind_fence(self, out: str, units: list[Unit], end: int, before: str, *, goes_on: bool) -> Result:
        """The document ends with a backquote: what follows is text."""
        document = self._matches(units[:end], level=0, before=before)
        rest = self._matches(units[end:], level=0, goes_on=goes_on)
        return Result(out + document.out + rest.out, rest.held)

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
            if goes_on and self._can_grow(chars, at, before):
                return Result(out, raw_of(units[at:]))
            key = self._key_at(chars, at, before)
            out += self._landed(key, level, before, chars[:at]) if key else units[at].raw
            at += len(key) or 1
        return Result(out, "")

    def _landed(self, key: str, level: int, before: str | None, chars: str) -> str:
        original = self.originals[key]
        if before is not None and (level == 0 or is_number(key)):  # a value may stand here
            both = NUMBER_OR_LITERAL.fullmatch(key) and NUMBER_OR_LITERAL.fullmatch(original)
            if not both and (before + chars).rstrip(BLANKS + SETTLED)[-1:] in {"{", "[", ",", ":"}:
                original = f'"{escape(original)}"'
        return escape(original, level)

    def _may_begin(self, key: str, chars: str, at: int, before: str | None) -> bool:
        last = ((before or "") + chars[:at])[-1:]
        if self.words and last and word_table.is_word(ord(last)) and word_table.is_word(ord(key[0])):
            return False
        return before is None or not is_number(key) or last not in NUMBER_CHARS

    def _minds(self, key: str, following: str, before: str | None) -> bool:
        """Whether ``key`` is not allowed before that character."""
        if self.words and word_table.is_word(ord(following)) and word_table.is_word(ord(key[-1])):
            return True
        return before is not None and is_number(key) and following in NUMBER_CHARS

    def _key_at(self, chars: str, at: int, before: str | None = None) -> str:
        for key in self.longest_first:
            if chars.startswith(key, at) and self._may_begin(key, chars, at, before):
                following = chars[at + len(key) : at + len(key) + 1]
                if not (following and self._minds(key, following, before)):
                    return key
        return ""

    def _can_grow(self, chars: str, at: int, before: str | None = None) -> bool:
        held = chars[at:]
        return bool(held) and any(
            key.startswith(held)
            and self._may_begin(key, chars, at, before)
            and (key != held or self._minds(key, "a", before) or self._minds(key, "1", before))
            for key in self.originals
        )


def is_number(key: str) -> bool:
    return NUMBER_CHARS.issuperset(key) and any("0" <= char <= "9" for char in key)


def decode(units: list[Unit], *, goes_on: bool) -> tuple[list[Unit], int, str]:
    """The content of a string whose opening quote is just before ``units``.

    Also where its closing quote stands (the end if there is none), and, if more may follow, the raw source at
    the end that is no unit yet.
    """
    kept = [number for number, unit in enumerate(units) if unit.char != SETTLED]
    chars = "".join(units[number].char for number in kept)
    content: list[Unit] = []
    at = done = 0  # how many of `kept`, and of `units`, were read
    while at < len(chars):
        content += units[done : kept[at]]
        done = kept[at]
        short = len(chars) - at <= LONGEST_UNFINISHED
        if goes_on and short and UNFINISHED.fullmatch(chars, at):
            rest = units[done:]
            gone = max((number for number, unit in enumerate(rest, 1) if unit.char == SETTLED), default=0)
            if gone:  # so much of the escape had to leave; it goes on with the rest
                content.append(Unit(SETTLED, raw_of(rest[:gone])))
            return content, len(units), raw_of(rest[gone:])
        token = TOKEN.match(chars, at)
        if token is None:  # a backslash is the last character
            char, end = "\\", len(chars)
        elif token["quote"]:
            return content, done, ""
        elif token["pair"]:
            high, low = token["pair"][2:6], token["pair"][8:12]
            char, end = join_halves(chr(int(high, 16)) + chr(int(low, 16))), token.end()
        elif token["hex"]:
            char, end = chr(int(token["hex"], 16)), token.end()
        elif token["escaped"]:
            char, end = SHORT.get(token["escaped"], token["escaped"]), token.end()
        else:
            char, end = token["plain"], token.end()
        spelled = units[done : kept[end - 1] + 1]
        unit = Unit(char, raw_of(spelled))
        is_cut = any(one.char == SETTLED for one in spelled)  # then it is a literal
        content += [Unit(SETTLED, ""), unit, Unit(SETTLED, "")] if is_cut else [unit]
        done += len(spelled)
        at = end
    return content + units[done:], len(units), ""
