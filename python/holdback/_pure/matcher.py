"""TrieMatcher: the compiled mapping as its users see it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NoReturn

from holdback._pure.automaton import Automaton
from holdback._pure.json import JsonStreamBuffer
from holdback._pure.pattern import Patterns
from holdback._pure.scan import Scan
from holdback._pure.stream import StreamBuffer, check_text


class TrieMatcher:
    """See the stub ``holdback/_native.pyi``: one documentation for both twins."""

    __slots__ = ("_automaton",)

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._automaton = Automaton(Patterns(pairs))

    def replace(self, text: str, *, json: bool = False) -> str:
        check_text("replace", text)
        buffer = self.stream(json=json)
        restored = buffer.feed(text) + buffer.flush()
        return text if restored == text else restored

    def stream(self, *, json: bool = False) -> StreamBuffer:
        if type(json) is not bool:
            raise TypeError(f"json must be bool, not {type(json).__name__}")
        return (JsonStreamBuffer if json else StreamBuffer)._open(self._automaton)

    def _scan(self, *, lines: bool, field: str, longest: int = sys.maxsize) -> Scan:
        return Scan(self._automaton.scanner, lines=lines, field=field, longest=longest)

    @property
    def longest(self) -> int:
        return self._automaton.longest

    def __len__(self) -> int:
        return len(self._automaton.originals)

    def __repr__(self) -> str:
        return f"TrieMatcher(keys={len(self)}, longest={self.longest})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a TrieMatcher holds originals and is not pickled")
