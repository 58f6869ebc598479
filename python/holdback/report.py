"""Report: what happened to the placeholders of an answer, counted, never quoted.

Counts are kept by entity type. Only the types of the mapping are names here; everything else is ``"other"``, since a
type that was read from the model's text could be a value, and would let a metric grow without bound.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any, Final

from .policy import REASONS, Reason

logger = logging.getLogger("holdback.report")

OTHER: Final = "other"
"""The entity type of everything that has none, or one that the mapping does not have."""

_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Report:
    """What was restored and what was not, at one moment; frozen. Counts do not depend on how a stream was cut.

    Each of ``restored``, ``unknown`` and ``cut`` is ``{entity type: count}``, without zeros:

    * ``restored``: placeholders that were replaced;
    * ``kept``: ``{reason: {entity type: count}}``, placeholders that a policy kept, or would have kept, by the reason:
      ``channel``, ``tool``, ``entity_type`` or ``address``;
    * ``unknown``: text of the form of the mapping's placeholders that is none of them;
    * ``cut``: ends of a text that were the beginning of a placeholder;
    * ``oversized``: events that were larger than ``max_event_bytes`` and passed unread;
    * ``not_understood``: events in which no format was recognised, and pieces of AWS streams that are no messages.

    >>> counts = Counts(["PERSON"])
    >>> counts.restored("PERSON")
    >>> counts.kept("address", "EMAIL")
    >>> report = counts.report()
    >>> report.restored, report.kept, report.is_empty
    ({'PERSON': 1}, {'address': {'other': 1}}, False)
    >>> print(report)
    restored        PERSON  1
    kept (address)  other   1
    """

    restored: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[Reason, Mapping[str, int]] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    cut: Mapping[str, int] = field(default_factory=dict)
    oversized: int = 0
    not_understood: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return self == Report()

    def __add__(self, other: object) -> Report:
        """Both together, as of two answers."""
        if not isinstance(other, Report):
            return NotImplemented
        reasons = [reason for reason in REASONS if reason in self.kept or reason in other.kept]
        return Report(
            restored=_sum(self.restored, other.restored),
            kept={
                reason: _sum(self.kept.get(reason, _NOTHING), other.kept.get(reason, _NOTHING))
                for reason in reasons
            },
            unknown=_sum(self.unknown, other.unknown),
            cut=_sum(self.cut, other.cut),
            oversized=self.oversized + other.oversized,
            not_understood=self.not_understood + other.not_understood,
        )

    @classmethod
    def merged(cls, reports: Iterable[Report]) -> Report:
        """All of them together; of none an empty one.

        >>> Report.merged([Report(restored={"PERSON": 1}), Report(restored={"PERSON": 2})]).restored
        {'PERSON': 3}
        """
        return reduce(Report.__add__, reports, cls())

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain objects, which JSON can hold."""
        return {
            "restored": dict(self.restored),
            "kept": {reason: dict(counts) for reason, counts in self.kept.items()},
            "unknown": dict(self.unknown),
            "cut": dict(self.cut),
            "oversized": self.oversized,
            "not_understood": self.not_understood,
        }

    def as_json(self) -> str:
        """``as_dict`` in one line of JSON."""
        return json.dumps(self.as_dict(), separators=(",", ":"))

    def as_table(self) -> str:
        """A table for people, without a line end; of an empty report a sentence."""
        rows = [
            *_rows("restored", self.restored),
            *(row for reason, counts in self.kept.items() for row in _rows(f"kept ({reason})", counts)),
            *_rows("unknown", self.unknown),
            *_rows("cut", self.cut),
            *_rows("oversized", {"events": self.oversized}),
            *_rows("not understood", {"events": self.not_understood}),
        ]
        if not rows:
            return "no placeholder came"
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            f"{what:<{widths[0]}}  {kind:<{widths[1]}}  {count:>{widths[2]}}" for what, kind, count in rows
        )

    def __str__(self) -> str:
        return self.as_table()


def _rows(what: str, counts: Mapping[str, int]) -> list[tuple[str, str, str]]:
    return [(what, kind, str(count)) for kind, count in sorted(counts.items()) if count]


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return _sorted(Counter(one) + Counter(other))


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


OnReport = Callable[[Report], object]
"""What is given a report when an answer has ended."""


def hand_over(on_report: OnReport | None, restorer: Any) -> None:
    """Give the report of a restorer away. An error of ``on_report`` is logged, by its type: the answer is out."""
    if on_report is None or restorer is None:
        return
    try:
        on_report(restorer.report)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer comes first
        logger.warning("on_report failed: %s", type(error).__name__)


class Counts:
    """The running counts of one restorer, which makes a :class:`Report` of them at any time.

    :param entity_types: those of the mapping, which alone are named.
    """

    __slots__ = ("_cut", "_kept", "_not_understood", "_oversized", "_restored", "_types", "_unknown")

    def __init__(self, entity_types: Iterable[str] = ()) -> None:
        self._types = frozenset(entity_types) - {""}
        self._restored: Counter[str] = Counter()
        self._kept: dict[Reason, Counter[str]] = {reason: Counter() for reason in REASONS}
        self._unknown: Counter[str] = Counter()
        self._cut: Counter[str] = Counter()
        self._oversized = 0
        self._not_understood = 0

    def _named(self, entity_type: str | None) -> str:
        return entity_type if entity_type in self._types and entity_type is not None else OTHER

    def restored(self, entity_type: str | None, count: int = 1) -> None:
        self._restored[self._named(entity_type)] += count

    def kept(self, reason: Reason, entity_type: str | None, count: int = 1) -> None:
        self._kept[reason][self._named(entity_type)] += count

    def unknown(self, entity_type: str | None, count: int = 1) -> None:
        self._unknown[self._named(entity_type)] += count

    def cut(self, entity_type: str | None, count: int = 1) -> None:
        self._cut[self._named(entity_type)] += count

    def oversized(self, count: int = 1) -> None:
        self._oversized += count

    def not_understood(self, count: int = 1) -> None:
        self._not_understood += count

    def report(self) -> Report:
        """What was counted so far; later counts do not change it."""
        return Report(
            restored=_sorted(+self._restored),
            kept={reason: _sorted(+counts) for reason, counts in self._kept.items() if +counts},
            unknown=_sorted(+self._unknown),
            cut=_sorted(+self._cut),
            oversized=self._oversized,
            not_understood=self._not_understood,
        )
