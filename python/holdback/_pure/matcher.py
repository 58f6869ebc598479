"""TrieMatcher: the compiled mapping as its users see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from holdback._pure.automaton import Automaton
from holdback._pure.json_source import JsonStreamBuffer
from holdback._pure.pattern import Patterns, plain
from holdback._pure.stream import StreamBuffer, check_text


class TrieMatcher:
    """See the stub ``holdback/_native.pyi``: one documentation for both twins."""

    __slots__ = ("__weakref__", "_automaton")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("type 'holdback.TrieMatcher' is not an acceptable base type")

    def __init__(self, pairs: Mapping[str, str], *, words: bool = False) -> None:
        if type(words) is not bool:
            raise TypeError(f"words must be bool, not {type(words).__name__}")
        self._automaton = Automaton(Patterns(pairs), words=words)

    def replace(self, text: str, *, json: object = False) -> str:
        check_text("replace", text)
        buffer = self.stream(json=json)
        restored = buffer.feed(text) + buffer.flush()
        return text if restored == plain(text) else restored

    def stream(self, *, json: object = False) -> StreamBuffer:
        return self._guarded(None, json=json)

    def _guarded(self, guard: Any, *, json: object) -> StreamBuffer:
        """A stream that asks at each match, and tells what leaves."""
        if type(json) is bool:
            return (JsonStreamBuffer if json else StreamBuffer)._open(self._automaton, guard)
        if isinstance(json, str) and plain(json) == "auto":
            return JsonStreamBuffer._open(self._automaton, guard, auto=True)
        given = "another str" if isinstance(json, str) else type(json).__name__
        raise TypeError(f'json must be bool or "auto", not {given}')

    def _pairs(self) -> list[tuple[str, str]]:
        return list(zip(self._automaton.keys, self._automaton.originals, strict=True))

    @property
    def _words(self) -> bool:
        return self._automaton.has_borders

    @property
    def longest(self) -> int:
        return self._automaton.longest

    def __len__(self) -> int:
        return len(self._automaton.originals)

    def __repr__(self) -> str:
        return f"TrieMatcher(keys={len(self)}, longest={self.longest})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a TrieMatcher holds originals and is not pickled")
