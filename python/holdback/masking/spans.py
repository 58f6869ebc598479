"""Spans and detectors: where a text holds something that must not leave.

A detector is any callable that takes a text and returns spans. holdback finds nothing by itself: a detector is the
operator's own list of values, their expressions, or an adapter to a program that finds personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from holdback.errors import MaskingError


class Span(NamedTuple):
    """A piece of a text, from ``start`` to before ``end`` in code points, and what it is.

    >>> Span(3, 6, "PERSON")
    Span(start=3, end=6, entity_type='PERSON')
    """

    start: int
    end: int
    entity_type: str


@runtime_checkable
class Detector(Protocol):
    """What finds values: called with a text, it returns their spans, in any order; they may overlap.

    It is called with one text at a time: a message, a part, a string inside a document. What it raises becomes a
    ``MaskingError`` that names the detector's class and the error's type, since its message may quote the text.

    >>> def digits(text):
    ...     return [Span(at, at + 1, "DIGIT") for at, character in enumerate(text) if character.isdigit()]
    >>> isinstance(digits, Detector)
    True
    """

    def __call__(self, text: str, /) -> Iterable[Span]: ...


class Detectors:
    """A list of detectors as one: of spans that overlap, the longest that begins first wins.

    A span that begins inside the winner and reaches beyond its end makes it longer, for what it found is to be masked
    to its end. The type is the winner's.

    >>> from holdback.masking import KnownValues, Patterns
    >>> detectors = Detectors([KnownValues({"Ada": "PERSON"}), Patterns({"EMAIL": r"[a-z]+@[a-z.]+"})])
    >>> detectors("Ada: ada@example.org")
    [Span(start=0, end=3, entity_type='PERSON'), Span(start=5, end=20, entity_type='EMAIL')]
    """

    __slots__ = ("detectors",)

    def __init__(self, detectors: Sequence[Detector]) -> None:
        flat: list[Detector] = []
        for detector in detectors:
            if not callable(detector):
                raise TypeError(f"a detector is a callable, not {type(detector).__name__}")
            flat += detector.detectors if isinstance(detector, Detectors) else (detector,)
        self.detectors: tuple[Detector, ...] = tuple(flat)
        """All of them, those of lists inside as well."""

    def __call__(self, text: str, /) -> list[Span]:
        """The spans of all of them, from left to right, without overlaps."""
        return settled([span for detector in self.detectors for span in spans_of(detector, text)])

    def __len__(self) -> int:
        return len(self.detectors)

    def __repr__(self) -> str:
        return f"Detectors({len(self)})"


def spans_of(detector: Callable[[str], Iterable[Any]], text: str) -> list[Span]:
    """What the detector finds in the text, checked; blanks at both ends of a span are not part of it."""
    failure = ""
    try:
        found: list[Any] = [Span(*span) for span in detector(text)]
    except Exception as error:  # noqa: BLE001 - its message may quote the text, so it must not travel on
        failure, found = type(error).__name__, []
    if failure:
        raise MaskingError(f"a detector failed: {_name_of(detector)} raised {failure}")
    spans: list[Span] = []
    for start, end, entity_type in found:
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(text)):
            raise MaskingError(f"a detector failed: {_name_of(detector)} returned a span outside the text")
        if not isinstance(entity_type, str):
            raise MaskingError(f"a detector failed: {_name_of(detector)} returned a type that is no str")
        piece = text[start:end]
        if length := len(piece.strip()):
            first = start + len(piece) - len(piece.lstrip())
            spans.append(Span(first, first + length, entity_type))
    return spans


def settled(spans: Sequence[Span]) -> list[Span]:
    """The spans from left to right, without overlaps; see ``Detectors``."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if out and span.start < out[-1].end:
            if span.end > out[-1].end:
                out[-1] = out[-1]._replace(end=span.end)
        else:
            out.append(span)
    return out


def _name_of(detector: object) -> str:
    kind = type(detector).__name__
    return str(getattr(detector, "__name__", kind)) if kind == "function" else kind
