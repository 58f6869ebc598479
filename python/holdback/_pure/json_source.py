r"""JSON channels: a stream of JSON *source* that stays valid JSON.

Twin of ``rust/core/src/json_source.rs``. Tool-call arguments arrive as fragments of JSON source. The matcher is the
same; what changes is the unit it is fed: one decoded code point that remembers how long its raw spelling is.
``<``, ``\u003c`` and ``\u003C`` are the same unit, and what is not replaced leaves in its own spelling.

The idea. Strings nest: a string whose text begins with ``{`` or ``[`` holds a document, whose strings may hold
documents again. The open strings are a stack, and a unit climbs it:

- ``_lex(k, unit)`` takes a unit of the *source* of string ``k``: it undoes one level of escaping and finds the
  quote that closes the string;
- ``_take(k, unit)`` takes a unit of the *text* of string ``k`` (of the outermost source for ``k = 0``): it goes
  to the string inside that is open, opens one, or, at the top of the stack, feeds the trie.

Runs of units that are spelled as they are climb it at once while no escape waits.

Invariants. The raw source from ``_begin`` on is held back, in this order: the path of the trie (``_spans`` has
the raw length of each of its units), then an unfinished escape or half pair of each open string, innermost
first. Every quote that delimits a string settles the path, so all units of a path stand in the same strings
and an original is escaped once for each of them. What a text is (a document or plain) is the affair of
``json_text.py``. Outside strings, and until it is decided, the trie is the one in which numbers are whole
(``Automaton.outside``); where the decision changes the trie, what is held is read anew, once. A source that turned
out to be plain text goes on as that. A tail that is settled in an unfinished escape has left, but the escape goes on:
its units count no source any more, and what they spell together with more is a literal, never part of a match.

Cost: O(units), with at most eight steps for a unit however deep the strings nest.
"""

from __future__ import annotations

import re
from typing import Any, Self

from holdback._pure.automaton import ROOT, Automaton
from holdback._pure.borders import WORD
from holdback._pure.held import Held, Spans
from holdback._pure.json_text import (
    AUTO,
    BLANK,
    BLANK_AT_START,
    DOCUMENT,
    FENCE,
    FENCED,
    INSIDE,
    ONE,
    OPENERS,
    SOURCE,
    SQUARE,
    TEXT,
    Text,
    Unit,
    landed,
)
from holdback._pure.open_strings import OpenStrings
from holdback._pure.rewind import restore, snapshot
from holdback._pure.walk import Match, settle, walk

MOST_OPEN_STRINGS = 8
"""Escaping doubles with each level: without a cap, a kilobyte of source could ask for a megabyte."""

_SYNTAX = re.compile(r'["\\]')


class JsonStreamBuffer(OpenStrings, of_twin=True):
    """A stream whose text is JSON source, or that decides by its first characters whether it is."""

    __slots__ = (
        *("_at", "_auto", "_begin", "_done", "_held", "_is_cut", "_is_opening", "_is_plain", "_keys", "_out"),
        *("_source", "_spans", "_text", "_top"),
    )

    _auto: bool
    _held: Held
    _spans: Spans  # the raw lengths of the units of the path
    _source: Text  # the outermost source
    _top: Text  # the innermost of all these
    _keys: Automaton  # in which the path is
    _is_opening: bool  # the path holds the bracket that may make a document
    _is_cut: bool  # a settled tail ended in an escape that may go on
    _is_plain: bool  # the source turned out to be plain text
    # Of the feed under way:
    _text: str
    _out: list[str]
    _at: int  # where the unit stands that is read
    _begin: int  # where the source held back begins
    _done: int  # up to where everything has been written

    @classmethod
    def _open(cls, automaton: Automaton, guard: Any = None, *, auto: bool = False) -> Self:
        self = super()._open(automaton, guard)
        self._auto = auto
        self._is_source = not auto
        self._held = Held()
        self._spans = Spans()
        self._out = []
        self._reset()
        return self

    def _reset(self) -> None:
        self._before = ""
        self._idle = self._is_cut = self._is_opening = self._is_plain = False
        self._quiet = self._automaton.json_starts.quiet
        self._keys = self._automaton.outside
        self._strings = []
        self._top = self._source = Text(AUTO if self._auto else SOURCE)

    @property
    def pending(self) -> str:
        with self._lock:
            held = self._automaton.path(self._node) if self._is_plain else self._held.text()
            return held + self._high

    # ------------------------------------------------------------ source in, source out

    def _advance(self, text: str) -> str:
        if self._is_plain:
            return super()._advance(text)
        self._start(text)
        find_special, at, size = self._automaton.json_starts.find, 0, len(text)
        while at < size:
            self._at = at
            if self._begin == at and self._top.kind <= INSIDE and not self._is_cut:
                found = find_special(text, at)
                run = text[at : found if found >= 0 else size]
                if run:
                    self._pass(run)
                    self._begin += len(run)
                    at += len(run)
                    continue
            unit = text[at]
            if self._begin + self._spans.raw == at and unit not in '"\\' and not self._is_cut:
                ends = _SYNTAX.search(text, at)
                run = text[at : ends.start() if ends else size]
                self._read_run(run)
                at += len(run)
                continue
            at += 1
            self._take(0, (unit, 1, False))
            if self._is_cut:
                self._is_cut = any(string.escape or string.half for string in self._strings)
        return self._finish()

    def _settle_held(self) -> str:
        """What is held leaves: unfinished escapes as text, then the path is settled. The open strings stay open."""
        if self._is_plain:
            return super()._settle_held()
        self._start("")
        waiting = [unit for string in self._strings for unit in (string.half, *string.escape) if unit]
        if not waiting:
            self._settle_path()
            return self._finish()
        before = snapshot(self)
        self._release(1)
        self._settle_path()
        is_matched = self._done > -sum(unit[1] for unit in waiting)
        self._is_cut = False
        as_text = self._finish()
        if is_matched:  # a match took part of an unfinished escape, so nothing of that goes on
            return as_text
        for following in (0, WORD):  # all that the escape may have been in front of
            restore(self, before)
            before = snapshot(self)
            self._settle_path(following)
            self._begin = 0
            if self._finish() == as_text:
                break
        self._is_cut = True
        self._idle = False
        for string in self._strings:
            string.escape = [(code_point, 0, True) for code_point, *_ in string.escape]
            string.half = string.half and (string.half[0], 0, True)
        return as_text

    def _start(self, text: str) -> None:
        """Positions count from the start of ``text``; those of the held source are negative."""
        self._text, self._at = text, 0
        self._begin = self._done = -len(self._held)

    def _finish(self) -> str:
        """What leaves; the rest is held."""
        text, begin = self._text, self._begin
        self._text = ""
        if self._source.kind == TEXT and not self._strings:
            self._is_plain = True
            self._quiet = self._automaton.starts.quiet
            self._spans.clear()
        self._idle = begin == len(text) and self._top.kind == TEXT and not self._is_cut
        if begin == len(text) and not self._out and not self._held:
            if self._guard is not None:
                self._guard.passed(text)
            return text
        self._leave(self._held.cut(text, self._done, begin))
        if begin >= 0 or self._is_plain:
            self._held.clear()
            text = text[max(begin, 0) :]
        if not self._is_plain:  # there the path is what is held
            self._held.append(text)
        restored, self._out = "".join(self._out), []
        return restored

    # ------------------------------------------------------------ units through the open strings

    def _take(self, k: int, unit: Unit) -> None:
        """A unit of the text of string ``k``, of the outermost source for 0."""
        if k < len(self._strings):
            self._lex(k + 1, unit)
            return
        if unit[0] == '"' and self._may_be_border():
            self._settle_path()
            top = self._top
            if SOURCE <= top.kind <= SQUARE and top.kind != AUTO:
                self._become(top.document())
            if top.is_document():
                self._top = Text(INSIDE if k + 1 < MOST_OPEN_STRINGS else TEXT)
                self._strings.append(self._top)
                self._cross(unit)
                return
        self._read(unit)

    def _may_be_border(self) -> bool:
        """Whether a quote in the innermost text opens a string, unless a match that is held makes that plain text.

        A text that begins with anything but a bracket is text at once, though its beginning may still be held: a key
        can go on with the quote.
        """
        kind = self._top.kind
        return DOCUMENT <= kind <= SQUARE and (self._is_opening or kind not in (INSIDE, AUTO))

    def _cross(self, quote: Unit) -> None:
        """The border of a string, with nothing held."""
        self._begin += quote[1]
        self._before = ""
        self._is_opening = False
        self._aim()

    def _end(self, k: int, quote: Unit) -> None:
        self._settle_path()
        del self._strings[k - 1 :]
        self._top = self._strings[-1] if self._strings else self._source
        self._top.last = '"'
        self._cross(quote)

    # ------------------------------------------------------------ the trie

    def _read_run(self, run: str) -> None:
        """Units of the innermost text that are spelled as they are."""
        begin = self._at
        for at, unit in enumerate(run):
            self._at = begin + at
            if self._top.kind >= INSIDE and self._arrive(unit, 1):
                continue
            if self._top.kind <= DOCUMENT:
                self._walk(run[at:], 1)
                return
            self._walk(unit, 1)

    def _read(self, unit: Unit) -> None:
        """A unit of the innermost text."""
        code_point, raw, is_cut = unit
        if not is_cut:  # else nothing is held before it
            if self._top.kind >= INSIDE and self._arrive(code_point, raw):
                return
            if self._node != ROOT or code_point in self._keys.stems:
                self._walk(code_point, raw)
                return
        self._pass(code_point)
        self._begin += raw

    def _walk(self, units: str, raw: int) -> None:
        """Units of this raw length each go through the trie."""
        self._spans.append(len(units), raw)
        came_from = self._node
        self._node, end, matches = walk(self._keys, came_from, self._before, units)
        path = self._keys.path(came_from)
        if matches or end > -len(path):
            self._settle_units(path, units, matches, end)

    def _settle_units(self, path: str, came: str, matches: list[Match], end: int) -> None:
        """Of the path and the units that came behind it everything up to ``end`` leaves, the keys replaced.

        Once it is decided what the text is, the rest is read anew as that.
        """
        units, end = path + came, len(path) + end
        matches = [(len(path) + begin, key) for begin, key in matches]
        top, lengths, done = self._top, self._keys.lengths, 0
        if not top.is_undecided():
            for begin, key in matches:
                self._pass_units(units[done:begin])
                self._put(key)
                done = begin + lengths[key]
            self._pass_units(units[done:end])
            return
        kind, node, self._node = top.kind, self._node, ROOT
        for begin, key in [*matches, (end, -1)]:
            while done < begin and top.kind == kind:
                self._pass_units(units[done])
                done += 1
            if top.kind == kind and key >= 0:
                self._put(key)
                done += lengths[key]
        if top.kind == kind:
            self._node = node
            return
        for unit in units[done:]:
            self._read((unit, self._spans.take(1), False))

    def _settle_path(self, following: int = 0) -> None:
        """No unit comes any more, or one of these classes: the path leaves."""
        while self._node != ROOT:
            path, matches = self._keys.path(self._node), settle(self._keys, self._node, following)
            self._node = ROOT
            self._settle_units(path, "", matches, 0)

    def _arrive(self, code_point: str, raw: int) -> bool:
        """What a unit of an undecided text decides before it is read. Whether it was the end of a fence line."""
        top = self._top
        kind = top.kind
        if kind >= ONE:
            if kind >= FENCE and code_point in "\r\n":
                self._settle_path()
                top.fenced = True
                self._become(AUTO if top.auto else SOURCE)
                self._pass(code_point)
                self._begin += raw
                return True
            self._become(top.fence(code_point))
        elif self._is_opening or code_point in (BLANK_AT_START if kind <= AUTO else BLANK):
            pass
        elif code_point in OPENERS[kind]:
            self._is_opening = True
        elif code_point == "`" and SOURCE <= kind <= AUTO and not top.fenced:
            self._become(ONE)
        else:
            self._become(TEXT)
        return False

    def _become(self, kind: int) -> None:
        self._top.kind = kind
        if kind <= FENCED and not self._strings:
            if kind == TEXT and self._guard is not None:
                self._guard.is_plain()
            if self._unknown is not None:
                self._unknown.turned(is_json=kind != TEXT, at=self._at)
        self._is_opening = False
        self._aim()

    def _aim(self) -> None:
        """Read on by the keys that count where the text stands now."""
        outside = DOCUMENT <= self._top.kind <= SQUARE
        keys = self._automaton.outside if outside else self._automaton
        if keys is not self._keys:
            if self._node != ROOT:
                self._node = keys.node_of(self._keys.path(self._node))
            self._keys = keys

    def _pass_units(self, text: str) -> None:
        """Literal units from the front of the path."""
        if text:
            self._pass(text)
            self._begin += self._spans.take(len(text))

    def _put(self, key: int) -> None:
        """The key at the front of the path is replaced."""
        automaton = self._automaton
        self._leave(self._held.cut(self._text, self._done, self._begin))
        begin = self._begin
        self._begin = self._done = begin + self._spans.take(automaton.lengths[key])
        raw = self._held.cut(self._text, begin, self._done)
        if self._guard is not None and self._guard.keeps(key):
            self._leave(raw)
        else:
            self._hits.append(key)
            self._leave(landed(automaton.keys[key], automaton.originals[key], self._top, len(self._strings)))
        self._pass(automaton.keys[key], matched=True)

    def _leave(self, text: str) -> None:
        self._out.append(text)
        if self._guard is not None:
            self._guard.passed(text)

    # ------------------------------------------------------------ where it stands

    def _pass(self, text: str, *, matched: bool = False) -> None:
        """Units that are settled, literal or matched: they decide what they stand in, once."""
        self._before = text[-1]
        top = self._top
        kind = top.kind
        if kind == TEXT or kind > SQUARE:
            return
        if kind >= INSIDE:
            first = text.lstrip(BLANK_AT_START if kind <= AUTO else BLANK)[:1]
            if not first:
                return
            self._become(TEXT if matched or first not in OPENERS[kind] else top.opened(first))
        if top.is_document():
            top.last = text.rstrip(BLANK)[-1:] or top.last
            if top.fenced and not matched and "`" in text:
                self._at += text.index("`")
                self._become(TEXT)
