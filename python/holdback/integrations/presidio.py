"""Into Presidio: its analyzer as a detector, and what its anonymizer put in as a mapping.

Two ways to use it. ``PresidioDetector`` finds values for a :class:`holdback.masking.Masker`, which chooses the
placeholders and masks whole requests. ``mapping_of`` is for programs that anonymize with Presidio themselves: it tells
which of the anonymizer's replacements stands for which value, so that the answer can be restored.

Nothing of Presidio is imported here: both take its objects as they are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any, Protocol

from holdback.errors import MappingError
from holdback.mapping import PIIMapping
from holdback.masking.spans import Span

__all__ = ["PresidioDetector", "mapping_of"]

REVERSIBLE = ("replace", "custom")
"""The anonymizer's operators whose results can stand for one value."""

_HALF = re.compile("[\ud800-\udfff]")


class Found(Protocol):
    """A result of the analyzer, ``RecognizerResult``."""

    entity_type: str
    start: int
    end: int
    score: float


class PresidioDetector:
    """An ``AnalyzerEngine`` as a detector.

    :param analyzer: the engine. It belongs to the operator: languages, recognizers, models, thresholds.
    :param language: the language that it is asked for.
    :param options: what else its ``analyze`` takes: ``entities``, ``score_threshold``, ``allow_list`` and so on.

    Of results that overlap the one with the higher score wins, of equal ones the longer. What another one found beside
    the winner is masked with it, since it is part of something that was found.

    >>> from types import SimpleNamespace
    >>> class Engine:
    ...     def analyze(self, text, language):
    ...         return [SimpleNamespace(entity_type="PERSON", start=0, end=3, score=0.9)]
    >>> PresidioDetector(Engine())("Ada wrote")
    [Span(start=0, end=3, entity_type='PERSON')]
    """

    __slots__ = ("_analyzer", "_language", "_options")

    def __init__(self, analyzer: Any, *, language: str = "en", **options: Any) -> None:
        if not callable(getattr(analyzer, "analyze", None)):
            raise TypeError(f"an analyzer has a method analyze, which {type(analyzer).__name__} has not")
        self._analyzer = analyzer
        self._language = language
        self._options = options

    def __call__(self, text: str, /) -> list[Span]:
        """The spans of what the analyzer finds, from left to right, without overlaps."""
        readable = text if text.isascii() else _HALF.sub("\ufffd", text)  # its models read UTF-8
        return _settled(self._analyzer.analyze(text=readable, language=self._language, **self._options))

    def __repr__(self) -> str:
        return f"PresidioDetector(language={self._language!r})"


_start, _end = attrgetter("start"), attrgetter("end")


def _settled(results: Sequence[Found]) -> list[Span]:
    """Without overlaps: by score, then by length."""
    ranked = sorted(results, key=lambda found: (-found.score, found.start - found.end, found.start))
    spans: list[Span] = []  # the winners, which do not overlap: sorted by their starts and by their ends
    losers: list[Found] = []
    for found in ranked:
        at = bisect_left(spans, found.end, key=_start)  # those before this place begin before the end
        if at and spans[at - 1].end > found.start:
            losers.append(found)
        else:
            spans.insert(at, Span(found.start, found.end, found.entity_type))
    for loser in losers:
        for at in range(
            bisect_right(spans, loser.start, key=_end), bisect_left(spans, loser.end, key=_start)
        ):
            span = spans[at]
            before = spans[at - 1].end if at else 0
            behind = spans[at + 1].start if at + 1 < len(spans) else loser.end
            start = min(span.start, max(loser.start, before))
            spans[at] = span._replace(start=start, end=max(span.end, min(loser.end, behind)))
    return spans


def mapping_of(
    text: str, results: Sequence[Found], anonymized: Any, *, operators: Collection[str] = REVERSIBLE
) -> PIIMapping:
    """The mapping of an anonymized text: each replacement, and the value in whose place it stands.

    :param text: the text that was analyzed.
    :param results: what the analyzer found in it.
    :param anonymized: what the anonymizer made of them, an ``EngineResult``. Its items name the replacements, but not
        the values; the text between them, which is the same on both sides, tells which is which.
    :param operators: the operators whose replacements are taken; others, such as ``mask``, ``hash`` and ``redact``,
        cannot be undone.
    :raises MappingError: a replacement stands for two values, as those of the plain operator ``replace`` do in a text
        with two values of one type; or the three do not belong together.

    >>> from types import SimpleNamespace as Result
    >>> found = [Result(entity_type="PERSON", start=3, end=6, score=0.9)]
    >>> items = [Result(entity_type="PERSON", start=3, end=13, text="<PERSON_1>", operator="custom")]
    >>> mapping_of("Hi Ada!", found, Result(text="Hi <PERSON_1>!", items=items)).get_all_fakes()
    {'<PERSON_1>': 'Ada'}
    """
    items = sorted(anonymized.items or (), key=lambda item: (item.start, item.end))
    ends = _ends(text, anonymized.text, items, sorted({found.end for found in results}))
    mapping = PIIMapping()
    for item, (start, end) in zip(items, ends, strict=True):
        if item.operator in operators and item.text:
            mapping.add(text[start:end], item.text, item.entity_type)
    return mapping


def _ends(text: str, changed: str, items: Sequence[Any], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Where in ``text`` stood what each item replaced. A value ends where some result does, and what lies between
    two values is the same in both texts; where several ends fit, what follows decides.
    """
    starts = [*(item.start for item in items), len(changed)]
    gaps = [changed[item.end : behind] for item, behind in zip(items, starts[1:], strict=True)]
    first = starts[0]
    tried: set[tuple[int, int]] = set()
    ahead: list[tuple[int, int, tuple[tuple[int, int], ...]]] = []
    if text[:first] == changed[:first]:
        ahead.append((0, first, ()))
    while ahead:
        number, start, done = ahead.pop()
        if number == len(items):
            if start == len(text):
                return list(done)
            continue
        if (number, start) in tried:
            continue
        tried.add((number, start))
        ahead += (
            (number + 1, end + len(gaps[number]), (*done, (start, end)))
            for end in ends  # the longest is tried first
            if end > start and text.startswith(gaps[number], end)
        )
    raise MappingError("the text, the results and the anonymized text do not belong together")
