"""Reports as metrics, with prometheus-client itself; skipped where it is not installed."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from holdback.report import Report

client: Any = pytest.importorskip("prometheus_client", reason="prometheus-client is not installed")

ONE = Report(
    restored={"PERSON": 2, "other": 1},
    kept={"address": {"EMAIL": 3}},
    unknown={"PERSON": 4},
    cut={"other": 5},
    oversized=6,
    not_understood=7,
)
EXPOSED = """\
holdback_answers_total 1.0
holdback_restored_total{entity_type="PERSON"} 2.0
holdback_restored_total{entity_type="other"} 1.0
holdback_kept_total{entity_type="EMAIL",reason="address"} 3.0
holdback_unknown_total{entity_type="PERSON"} 4.0
holdback_cut_total{entity_type="other"} 5.0
holdback_oversized_total 6.0
holdback_not_understood_total 7.0
"""


def reports(registry: Any, **options: Any) -> Any:
    from holdback.integrations.prometheus import PrometheusReports

    return PrometheusReports(registry, **options)


def exposed(registry: Any) -> str:
    text: str = client.generate_latest(registry).decode()
    return "".join(
        f"{line}\n" for line in text.splitlines() if not line.startswith("#") and "_created" not in line
    )


def test_what_is_exposed() -> None:
    registry = client.CollectorRegistry()
    on_report = reports(registry)
    assert on_report(ONE) is None
    assert exposed(registry) == EXPOSED


def test_an_empty_report_is_an_answer() -> None:
    registry = client.CollectorRegistry()
    on_report = reports(registry, namespace="proxy")
    on_report(Report())
    assert (
        exposed(registry)
        == "proxy_answers_total 1.0\nproxy_oversized_total 0.0\nproxy_not_understood_total 0.0\n"
    )


def test_from_several_threads() -> None:
    registry = client.CollectorRegistry()
    on_report = reports(registry)
    threads = [threading.Thread(target=lambda: [on_report(ONE) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        registry.get_sample_value("holdback_kept_total", {"reason": "address", "entity_type": "EMAIL"}) == 600
    )


def test_the_names_follow_the_conventions() -> None:
    registry = client.CollectorRegistry()
    reports(registry)
    for metric in registry.collect():
        assert metric.name.startswith("holdback_")
        assert metric.type == "counter"
        assert metric.documentation.endswith(".")
