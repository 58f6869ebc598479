"""Reports as metrics of Prometheus: install ``holdback[prometheus]``.

The names follow Prometheus' conventions, each a counter: ``holdback_answers_total``, ``holdback_restored_total``,
``holdback_kept_total``, ``holdback_unknown_total``, ``holdback_cut_total``, ``holdback_oversized_total`` and
``holdback_not_understood_total``. Labels are ``entity_type``, of the mapping's types or ``other``, and for what was
kept ``reason``. A series appears with its first count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdback.report import Report


__all__ = ["PrometheusReports"]


class PrometheusReports:
    """Counts every report it is called with: give it as ``on_report``.

    One for a process: a registry takes each name once, and a second one in it is prometheus-client's ``ValueError``.
    It may be called from several threads.

    :param registry: where the metrics are registered; by default prometheus-client's own.
    :param namespace: what the names of the metrics begin with.

    >>> from prometheus_client import CollectorRegistry
    >>> from holdback.report import Report
    >>> registry = CollectorRegistry()
    >>> on_report = PrometheusReports(registry)
    >>> on_report(Report(restored={"PERSON": 2}))
    >>> registry.get_sample_value("holdback_restored_total", {"entity_type": "PERSON"})
    2.0
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, namespace: str = "holdback") -> None:
        def counter(name: str, documentation: str, *labels: str) -> Counter:
            return Counter(name, documentation, labels, namespace=namespace, registry=registry)

        self._answers = counter("answers", "Answers that ended.")
        self._restored = counter("restored", "Placeholders that were replaced.", "entity_type")
        self._kept = counter("kept", "Placeholders that a policy kept.", "reason", "entity_type")
        self._unknown = counter(
            "unknown", "Text of the form of a placeholder that is none of the mapping.", "entity_type"
        )
        self._cut = counter("cut", "Ends of a text that were the beginning of a placeholder.", "entity_type")
        self._oversized = counter("oversized", "Events that were too large and passed unread.")
        self._not_understood = counter("not_understood", "Events in which no format was recognised.")

    def __call__(self, report: Report, /) -> None:
        self._answers.inc()
        _count(self._restored, report.restored)
        for reason, counts in report.kept.items():
            _count(self._kept, counts, reason)
        _count(self._unknown, report.unknown)
        _count(self._cut, report.cut)
        self._oversized.inc(report.oversized)
        self._not_understood.inc(report.not_understood)


def _count(counter: Counter, counts: Mapping[str, int], *labels: str) -> None:
    for entity_type, count in counts.items():
        counter.labels(*labels, entity_type).inc(count)
