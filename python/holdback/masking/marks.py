"""Placeholders that stand in a request already, because they were kept masked: no part of one is a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence

from holdback.masking.known import KnownValues
from holdback.masking.placeholders import FORM
from holdback.masking.spans import Span

Marks = Callable[[str], Sequence[tuple[int, int]]]
"""Where placeholders stand in a text, from left to right, without overlaps."""


def marks_of(fakes: Collection[str]) -> Marks:
    """Finds placeholders: of the keyed form, and those that are known."""
    known: list[KnownValues] = []  # made when it is first asked for

    def marks(text: str) -> Sequence[tuple[int, int]]:
        found = [mark.span() for mark in FORM.finditer(text)] if "<" in text else []
        if not fakes:
            return found
        if not known:
            others = {fake: "" for fake in fakes if fake.strip() and not FORM.fullmatch(fake)}
            known.append(KnownValues(others, spelled=False))
        both: list[tuple[int, int]] = []
        for begin, stop in sorted([*found, *((start, end) for start, end, _ in known[0](text))]):
            if both and begin < both[-1][1]:
                both[-1] = (both[-1][0], max(stop, both[-1][1]))
            else:
                both.append((begin, stop))
        return both

    return marks


def outside(spans: Sequence[Span], marks: Sequence[tuple[int, int]]) -> Sequence[Span]:
    """The spans without what of them is a placeholder: no part of one is a value."""
    if not marks:
        return spans
    ends = [stop for _, stop in marks]
    out: list[Span] = []
    for start, end, entity_type in spans:
        at = start
        for number in range(bisect_right(ends, start), len(marks)):
            begin, stop = marks[number]
            if begin >= end:
                break
            out.append(Span(at, max(at, begin), entity_type))
            at = stop
        out.append(Span(at, max(at, end), entity_type))
    return out
