r"""JSON channels: a stream of JSON *source* that stays valid JSON.

Twin of ``rust/core/src/json.rs``. Tool-call arguments arrive as fragments of JSON source. The matcher is the
same; what changes is the unit it is fed: one decoded code point that remembers how long its raw spelling is.
``<``, ``\u003c`` and ``\u003C`` are the same unit, and what is not replaced leaves in its own spelling.

The idea. Strings nest: a string whose text begins with ``{`` or ``[`` holds a document, whose strings may hold
documents again. The open strings are a stack, and a unit climbs it:

- ``_lex(k, unit)`` takes a unit of the *source* of string ``k``: it undoes one level of escaping and finds the
  quote that closes the string;
- ``_take(k, unit)`` takes a unit of the *text* of string ``k`` (of the outermost source for ``k = 0``): it goes
  to the string inside that is open, opens one, or, at the top of the stack, feeds the trie.

Invariants. The raw source from ``_begin`` on is held back, in this order: the path of the trie (``_spans`` has
the raw length of each of its units), then an unfinished escape or half pair of each open string, innermost
first. Every quote that delimits a string settles the path, so all units of a path stand in the same strings
and an original is escaped once for each of them. What a string or the source is (a document or text) is
decided by its first unit that is not blank: at once if it is no bracket, else when it is settled, for a
bracket of a placeholder that matched does not make a document.

Cost: O(units), with at most eight steps for a unit however deep the strings nest.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Self

from holdback._pure.automaton import ROOT, Automaton
from holdback._pure.stream import StreamBuffer

MOST_OPEN_STRINGS = 8
"""Escaping doubles with each level: without a cap, a kilobyte of source could ask for a megabyte."""

Unit = tuple[str, int]
"""A code point and the length of its raw spelling."""

UNKNOWN, TEXT, DOCUMENT = range(3)

_BLANK = " \t\r\n"
_BLANK_AT_START = _BLANK + "\ufeff"
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = frozenset("0123456789abcdefABCDEF")
_LOW_HALF = {3: "dD", 4: "cdefCDEF"}
"""The digits of an escape that may be the mate of a high half, by how much of it has come."""

_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_TO_ESCAPE = re.compile('["\\\\\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """``text`` as the inside of a JSON string literal; what needs no escape stays raw."""
    return _TO_ESCAPE.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


class _String:
    """An open string: what it holds, and what of its source waits for more."""

    __slots__ = ("escape", "half", "kind")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.escape: list[Unit] = []  # an unfinished escape, from its backslash on
        self.half: Unit | None = None  # a high surrogate spelled \uXXXX, before that


class JsonStreamBuffer(StreamBuffer):
    """A stream whose text is JSON source."""

    __slots__ = ("_begin", "_done", "_held", "_kind", "_last", "_out", "_spans", "_strings", "_text")

    _held: Held
    _spans: deque[int]  # the raw lengths of the units of the path
    _strings: list[_String]
    _kind: int  # what the outermost source is
    _last: str  # its last non-blank character outside strings; empty unless it is a document
    # Of the feed under way:
    _text: str
    _out: list[str]
    _begin: int  # where the source held back begins
    _done: int  # up to where everything has been written

    @classmethod
    def _open(cls, automaton: Automaton) -> Self:
        self = super()._open(automaton)
        self._quiet = automaton.json_starts.quiet
        self._held = Held()
        self._spans = deque()
        self._out = []
        self._reset()
        return self

    def _reset(self) -> None:
        self._idle = False
        self._kind = UNKNOWN
        self._last = ""
        self._strings = []

    def _is_settled(self) -> bool:
        """Whether ordinary characters do not change the state."""
        return self._strings[-1].kind != UNKNOWN if self._strings else self._kind == TEXT

    @property
    def pending(self) -> str:
        with self._lock:
            return self._held.text() + self._high

    # ------------------------------------------------------------ source in, source out

    def _advance(self, text: str) -> str:
        self._start(text)
        find_special, at, size = self._automaton.json_starts.find, 0, len(text)
        while at < size:
            if self._begin == at:
                found = find_special(text, at)
                run = text[at : found if found >= 0 else size]
                if run:
                    self._pass(run)
                    self._begin += len(run)
                    at += len(run)
                    continue
            at += 1
            self._take(0, (text[at - 1], 1))
        return self._finish()

    def _settle_held(self) -> str:
        """What is held leaves: unfinished escapes as text, then the path is settled. The open strings stay open."""
        self._start("")
        self._release(1)
        self._settle_path()
        return self._finish()

    def _start(self, text: str) -> None:
        """Positions count from the start of ``text``; those of the held source are negative."""
        self._text = text
        self._begin = self._done = -len(self._held)

    def _finish(self) -> str:
        """What leaves; the rest is held."""
        text, begin = self._text, self._begin
        self._text = ""
        self._idle = begin == len(text) and self._is_settled()
        if begin == len(text) and not self._out and not self._held:
            return text
        self._out.append(self._cut(text, self._done, begin))
        if begin >= 0:
            self._held.clear()
            text = text[begin:]
        self._held.append(text)
        restored, self._out = "".join(self._out), []
        return restored

    def _cut(self, text: str, begin: int, end: int) -> str:
        """The source from ``begin`` to ``end``; the part before 0 is taken out of what is held."""
        if begin >= 0:
            return text[begin:end]
        front = self._held.take(min(end, 0) - begin)
        return front + text[:end] if end > 0 else front

    # ------------------------------------------------------------ units through the open strings

    def _take(self, k: int, unit: Unit) -> None:
        """A unit of the text of string ``k``, of the outermost source for 0."""
        if k < len(self._strings):
            self._lex(k + 1, unit)
            return
        if unit[0] == '"' and not self._is_text(k):
            self._settle_path()
            if self._opens_string(k):
                self._strings.append(_String(UNKNOWN if k + 1 < MOST_OPEN_STRINGS else TEXT))
                self._begin += unit[1]
                return
        self._feed_unit(unit)

    def _is_text(self, k: int) -> bool:
        """Whether a quote in the text of ``k`` is a character like any other.

        A text that begins with anything but a bracket is text at once, though its beginning may still be
        held: a key can go on with the quote.
        """
        top = self._strings[-1] if k else None
        kind = top.kind if top else self._kind
        if kind == UNKNOWN:
            held = self._automaton.path(self._node).lstrip(_BLANK_AT_START)
            if (held[0] not in "{[") if held else k:  # or it is the quote itself, inside a string
                kind = TEXT
                if top:
                    top.kind = kind
                else:
                    self._kind = kind
        return kind == TEXT

    def _opens_string(self, k: int) -> bool:
        """Whether a quote in the text of ``k``, with everything before it settled, opens a string."""
        if k:
            return self._strings[-1].kind == DOCUMENT
        if self._kind == UNKNOWN:
            self._kind = DOCUMENT
        return self._kind == DOCUMENT

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
            self._take(k, (_SIMPLE.get(code_point, code_point), escape[0][1] + unit[1]))
        elif code_point not in _HEX:
            self._release_escape(k)
            self._lex(k, unit)
        else:
            escape.append(unit)
            if code_point not in _LOW_HALF.get(len(escape), code_point):
                self._release_half(k)
            if len(escape) == 6:
                string.escape = []
                code = int("".join(digit for digit, _ in escape[2:]), 16)
                self._take_escaped(k, code, sum(raw for _, raw in escape))

    def _take_escaped(self, k: int, code: int, raw: int) -> None:
        r"""The unit that ``\uXXXX`` spells: half a pair waits for the other half, spelled the same way."""
        string = self._strings[k - 1]
        if 0xDC00 <= code <= 0xDFFF and string.half is not None:
            high, high_raw = string.half
            string.half = None
            code = 0x10000 + ((ord(high) - 0xD800) << 10) + (code - 0xDC00)
            raw += high_raw
        self._release_half(k)
        if 0xD800 <= code <= 0xDBFF:
            string.half = chr(code), raw
        else:
            self._take(k, (chr(code), raw))

    def _close(self, k: int, quote: Unit) -> None:
        self._release(k + 1)
        self._settle_path()
        del self._strings[k - 1 :]
        self._begin += quote[1]
        if k == 1:
            self._last = '"'

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
        self._take(k, ("u", escape[0][1] + escape[1][1]))
        for digit in escape[2:]:
            self._take(k, digit)

    # ------------------------------------------------------------ the trie

    def _feed_unit(self, unit: Unit) -> None:
        code_point, raw = unit
        automaton, node = self._automaton, self._node
        while (child := automaton.child(node, code_point)) == ROOT:
            if node == ROOT:
                self._node = ROOT
                self._pass(code_point)
                self._begin += raw
                return
            node = self._fall(node)
        self._spans.append(raw)
        self._node = child
        if child in automaton.leaf_key:
            self._node = ROOT
            self._put(automaton.leaf_key[child])

    def _settle_path(self) -> None:
        while self._node != ROOT:
            self._node = self._fall(self._node)

    def _fall(self, node: int) -> int:
        """The path to ``node`` cannot grow: settle its pops; returns the node where matching goes on."""
        automaton = self._automaton
        fail, path, done = automaton.fail[node], automaton.path(node), 0
        for offset, key in automaton.matches(node):
            self._pass_units(path[done:offset])
            self._put(key)
            done = offset + automaton.lengths[key]
        self._pass_units(path[done : automaton.depth[node] - automaton.depth[fail]])
        return fail

    def _pass_units(self, text: str) -> None:
        """Literal units from the front of the path."""
        if text:
            self._pass(text)
            self._begin += self._pop_spans(len(text))

    def _put(self, key: int) -> None:
        """The key at the front of the path is replaced."""
        automaton = self._automaton
        self._out.append(self._cut(self._text, self._done, self._begin))
        self._out.append(self._landed(key))
        begin = self._begin
        self._begin = self._done = begin + self._pop_spans(automaton.lengths[key])
        self._cut(self._text, begin, self._done)
        self._pass(automaton.keys[key], matched=True)

    def _pop_spans(self, count: int) -> int:
        return sum(self._spans.popleft() for _ in range(count))

    # ------------------------------------------------------------ where it stands

    def _pass(self, text: str, *, matched: bool = False) -> None:
        """Units that are settled, literal or matched: they decide what they stand in, once."""
        top = self._strings[-1] if self._strings else None
        kind = top.kind if top else self._kind
        if kind == UNKNOWN and (first := text.lstrip(_BLANK_AT_START)[:1]):
            kind = DOCUMENT if first in "{[" and not matched else TEXT
            if top:
                top.kind = kind
            else:
                self._kind = kind
        if not top and kind == DOCUMENT:
            self._last = text.rstrip(_BLANK)[-1:] or self._last

    def _landed(self, key: int) -> str:
        """The original as it must be spelled where the match stands."""
        original = self._automaton.originals[key]
        for _ in self._strings:
            original = escape(original)
        if self._strings:
            return original
        if _SCALAR.fullmatch(self._automaton.keys[key]) and _SCALAR.fullmatch(original):
            return original
        return f'"{escape(original)}"' if self._last and self._last in "{[,:" else original


class Held:
    """A queue of text: pieces go in at the back, any number of code points comes out at the front."""

    __slots__ = ("_gone", "_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._gone = 0  # how much of the first piece has been taken
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)

    def take(self, count: int) -> str:
        self._length -= count
        out = []
        while count:
            piece = self._pieces[0]
            taken = piece[self._gone : self._gone + count]
            out.append(taken)
            count -= len(taken)
            self._gone += len(taken)
            if self._gone == len(piece):
                self._pieces.popleft()
                self._gone = 0
        return "".join(out)

    def clear(self) -> None:
        self._pieces.clear()
        self._gone = self._length = 0

    def text(self) -> str:
        return "".join(self._pieces)[self._gone :]
