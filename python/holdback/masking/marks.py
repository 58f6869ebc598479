"""Placeholders that stand in a request already, because they were kept masked: no part of one is a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from holdback.masking.known import KnownValues
from holdback.masking.placeholders import FORM
from holdback.masking.spans import Span

Marks = Callable[[str], Sequence[tuple[int, int]]]
"""Where placeholders stand in a text."""


def marks_of(fakes: Iterable[str]) -> Marks:
    """Finds placeholders: of the keyed form, and those that are known."""
    others = {fake: "" for fake in fakes if fake.strip() and not FORM.fullmatch(fake)}
    known = KnownValues(others) if others else None

    def marks(text: str) -> Sequence[tuple[int, int]]:
        found = [mark.span() for mark in FORM.finditer(text)] if "<" in text else []
        if known is not None:
            found = sorted([*found, *((start, end) for start, end, _ in known(text))])
        return found

    return marks


def outside(spans: Sequence[Span], marks: Sequence[tuple[int, int]]) -> Sequence[Span]:
    """The spans without what of them is a placeholder: no part of one is a value."""
    if not marks:
        return spans
    out: list[Span] = []
    for start, end, entity_type in spans:
        at = start
        for begin, stop in marks:
            if stop > at and begin < end:
                out.append(Span(at, max(at, begin), entity_type))
                at = stop
        out.append(Span(at, max(at, end), entity_type))
    return out
