"""StreamBuffer: one text stream, restored as it is pushed in.

Twin of ``rust/core/src/stream.rs``. The state is a trie node: the text held back is the path to it, and the
trie knows that text. Positions inside one ``feed`` are relative to what came, so the held path begins at
``-depth``. A feed first *walks*, which only collects the matches and where the path begins now, then
*renders*: literals are copied in slices between the matches, a text without any leaves as the object that
came. The cost of a feed does not depend on how much is held back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import Any, NoReturn, Self

from holdback._pure.automaton import ROOT, Automaton
from holdback._pure.forms import Forms, Unknown
from holdback._pure.pattern import join_surrogates, plain
from holdback._pure.walk import Match, settle, walk


def check_text(name: str, text: object) -> None:
    """A wrong argument type is a ``TypeError`` in our own words, the same on both twins."""
    if not isinstance(text, str):
        raise TypeError(f"{name}() takes str, not {type(text).__name__}")


_MOST_HITS = 64
"""So many replaced keys are counted at once, between two feeds."""


class StreamBuffer:
    """See the stub ``holdback/_native.pyi``: one documentation for both twins."""

    __slots__ = (
        *(
            "_automaton",
            "_before",
            "_counts",
            "_guard",
            "_high",
            "_hits",
            "_idle",
            "_lock",
            "_minds",
            "_node",
        ),
        *("_is_source", "_quiet", "_unknown"),
    )

    _automaton: Automaton
    _quiet: Callable[[str], bool]
    _lock: Lock
    _node: int
    _minds: bool  # some keys need a border
    _before: str  # the last unit that was settled; read only where keys need a border, with nothing held
    _high: str  # a trailing high surrogate that waits for its mate
    _guard: Any  # an engine.guard.Guard, or None: is told what leaves, and asked at each match
    _hits: list[int]  # the keys that were replaced since they were counted last
    _counts: Counter[int] | None  # how often which key was replaced before
    _is_source: bool  # the text is certainly JSON source
    _unknown: Unknown | None  # counts what looks like a key and is none, if somebody asked
    _idle: bool  # nothing is pending, and a quiet text changes nothing but the unit before the next one

    def __init_subclass__(cls, *, of_twin: bool = False) -> None:
        if not of_twin:
            raise TypeError("type 'holdback.StreamBuffer' is not an acceptable base type")

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("a StreamBuffer is made by TrieMatcher.stream()")

    @classmethod
    def _open(cls, automaton: Automaton, guard: Any = None) -> Self:
        self = cls.__new__(cls)
        self._guard = guard
        self._hits = []
        self._counts = None
        self._is_source, self._unknown = False, None
        self._automaton = automaton
        self._quiet = automaton.starts.quiet
        self._lock = Lock()
        self._node = ROOT
        self._before = ""
        self._high = ""
        self._minds = automaton.has_borders
        self._idle = True
        return self

    def feed(self, text: str) -> str:
        unknown = self._unknown
        if (
            self._idle
            and type(text) is str
            and self._quiet(text)
            and (unknown is None or unknown.passes(text))
        ):
            if self._guard is not None:
                self._guard.passed(text)
            if self._minds and text:
                self._before = text[-1]
            return text  # changes no other state, so it needs no lock
        given = text
        if type(text) is not str:
            check_text("feed", text)
            text = plain(text)
        if not text:
            return given
        with self._lock:
            came = text
            if self._high or not text.isascii():
                came = join_surrogates(self._high + text)
                self._high = ""
                if "\ud800" <= came[-1] <= "\udbff":
                    came, self._high = came[:-1], came[-1]
            if len(self._hits) >= _MOST_HITS:
                self._count()
            restored = self._advance(came)
            if unknown is not None:
                unknown.feed(came)
            if self._high:
                self._idle = False
            return given if restored is text else restored

    def _passes(self, text: str) -> bool:
        """Whether a text would leave as it came and change nothing, and nobody looks on. May be denied without need."""
        return (
            self._idle
            and self._guard is None
            and self._unknown is None
            and not self._minds
            and self._quiet(text)
        )

    def flush(self) -> str:
        with self._lock:
            rest = self._rest()
            if self._unknown is not None:
                self._unknown.end()
            self._reset()
            return rest

    def _settle(self) -> str:
        with self._lock:
            return self._rest()

    def _rest(self) -> str:
        """What is held back leaves, and the text goes on where it is."""
        unknown = self._unknown
        high, self._high = self._high, ""
        rest = self._advance(high)
        if unknown is not None:
            unknown.feed(high)
        rest += self._settle_held()
        if unknown is not None:
            unknown.feed("")  # of what was held it may have become known what the text is
        return rest

    def _look_for(self, forms: Forms) -> None:
        with self._lock:
            self._unknown = Unknown(forms, json=self._is_source)

    def _take_unknown(self) -> dict[int, int]:
        with self._lock:
            return {} if self._unknown is None else self._unknown.take_counts()

    def _take_counts(self) -> dict[int, int]:
        with self._lock:
            counts = self._count()
            self._counts = None
        return counts

    def _count(self) -> Counter[int]:
        counts = self._counts = self._counts or Counter()
        counts.update(self._hits)
        self._hits.clear()
        return counts

    @property
    def pending(self) -> str:
        with self._lock:
            return self._automaton.path(self._node) + self._high

    def _advance(self, text: str) -> str:
        """Move the state over ``text``; returns what leaves."""
        automaton, came_from = self._automaton, self._node
        node, begin, matches = walk(automaton, came_from, self._before, text)
        self._node = node
        self._idle = node == ROOT
        if self._minds and text:
            self._before = text[-1]
        if not matches and begin >= 0:
            left = text if begin == len(text) else text[:begin]
            left = automaton.path(came_from) + left if came_from else left
            if self._guard is not None:
                self._guard.passed(left)
            return left
        return self._render(came_from, text, matches, begin)

    def _reset(self) -> None:
        """Forget what the text was, with nothing held."""
        self._before = ""

    def _settle_held(self) -> str:
        """What is held leaves: the path is settled, down to the root."""
        came_from, self._node = self._node, ROOT
        self._before = self._automaton.path(came_from)[-1:] or self._before
        self._idle = True
        return self._render(came_from, "", settle(self._automaton, came_from), 0)

    def _render(self, came_from: int, text: str, matches: list[Match], end: int) -> str:
        """The path to ``came_from`` and ``text`` up to ``end``, with the matches replaced."""
        automaton = self._automaton
        originals, lengths = automaton.originals, automaton.lengths
        held, done = automaton.path(came_from), -automaton.depth[came_from]
        out = []
        guard = self._guard
        for begin, key in matches:
            out.append(text[done:begin] if done >= 0 else _across(held, text, done, begin))
            done = begin + lengths[key]
            if guard is not None:
                guard.passed(out[-1])
                if guard.keeps(key):
                    out.append(automaton.keys[key])
                    guard.passed(out[-1])
                    continue
                guard.passed(originals[key])
            self._hits.append(key)
            out.append(originals[key])
        out.append(text[done:end] if done >= 0 else _across(held, text, done, end))
        if guard is not None:
            guard.passed(out[-1])
        return "".join(out)

    def __repr__(self) -> str:
        return f"StreamBuffer(pending={len(self.pending)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a StreamBuffer holds text and is not pickled")


def _across(held: str, text: str, begin: int, end: int) -> str:
    """What stands from ``begin``, in the held text, up to ``end``, there or in ``text``."""
    return held[begin:end] if end < 0 else held[begin:] + text[:end]
