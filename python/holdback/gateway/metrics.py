"""What is counted, and the access log: one line of JSON for each request, without bodies, paths or values.

Counts are there if prometheus-client is installed. With several workers each writes its counts into a folder, and
whichever is asked adds them up.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TextIO

from holdback.report import Report

MULTIPLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's variable that names the folder of several workers."""

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


@dataclass(slots=True)
class Account:
    """What happened to one request."""

    method: str = ""
    route: str = "unknown"
    status: int = 0
    refused: str = ""
    """Why, if it was."""

    ended: str = "complete"
    """``complete``, ``client left``, ``provider broke off`` or ``failed``."""

    masked: bool = True
    """Whether it could be masked; an operator may let it through if not."""

    stored: bool = True
    found: Mapping[str, int] = field(default_factory=dict)
    restored: int = 0
    kept: int = 0
    """Placeholders that the policy kept."""

    bytes_in: int = 0
    bytes_out: int = 0
    started: float = field(default_factory=time.monotonic)
    first: float | None = None
    """When the first byte of the answer's body left."""


class AccessLog:
    """Writes a line of JSON for each request."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()

    def write(self, account: Account) -> None:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "method": account.method,
            "route": account.route,
            "status": account.status,
            "ended": account.ended,
            "seconds": round(time.monotonic() - account.started, 4),
            "bytes_in": account.bytes_in,
            "bytes_out": account.bytes_out,
            "values": sum(account.found.values()),
            "restored": account.restored,
            "kept": account.kept,
        }
        if account.first is not None:
            line["first_byte"] = round(account.first - account.started, 4)
        for name, is_worth_telling in (
            ("refused", account.refused),
            ("masked", not account.masked),
            ("stored", not account.stored),
        ):
            if is_worth_telling:
                line[name] = getattr(account, name)
        file = self._file or sys.stdout
        with self._lock:
            file.write(json.dumps(line) + "\n")  # at once: other workers write to the same file
            file.flush()


class Metrics:
    """Counts requests for Prometheus; without prometheus-client it does nothing."""

    def __init__(self) -> None:
        try:
            self._client: Any = import_module("prometheus_client")
        except ModuleNotFoundError as error:
            if error.name != "prometheus_client":
                raise
            self._client = None
            return
        client, registry = self._client, self._client.CollectorRegistry()
        self._registry = registry
        self._reports = import_module("holdback.integrations.prometheus").PrometheusReports(registry)
        name = "holdback_gateway"
        self._requests = client.Counter(
            f"{name}_requests", "Requests that ended.", ["route", "status"], registry=registry
        )
        self._refused = client.Counter(
            f"{name}_refused", "Requests that went no further.", ["reason"], registry=registry
        )
        self._ended = client.Counter(
            f"{name}_ended", "Answers by how they ended.", ["how"], registry=registry
        )
        self._values = client.Counter(
            f"{name}_values", "Different values found in a request.", ["entity_type"], registry=registry
        )
        self._unmasked = client.Counter(
            f"{name}_unmasked",
            "Requests that were let through though they could not be masked.",
            registry=registry,
        )
        self._unstored = client.Counter(
            f"{name}_unstored", "Requests of which the store could not keep what is new.", registry=registry
        )
        self._running = client.Gauge(
            f"{name}_running", "Requests that are served now.", registry=registry, multiprocess_mode="livesum"
        )
        self._seconds = client.Histogram(
            f"{name}_seconds", "From a request to the end of its answer.", buckets=_BUCKETS, registry=registry
        )
        self._first = client.Histogram(
            f"{name}_first_byte_seconds", "From a request to the first byte of its answer.",
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip

    def began(self) -> None:
        if self._client is not None:
            self._running.inc()

    def ended(self, account: Account) -> None:
        if self._client is None:
            return
        self._running.dec()
        self._requests.labels(account.route, account.status).inc()
        self._ended.labels(account.ended).inc()
        if account.refused:
            self._refused.labels(account.refused).inc()
        for entity_type, count in account.found.items():
            self._values.labels(entity_type).inc(count)
        if not account.masked:
            self._unmasked.inc()
        if not account.stored:
            self._unstored.inc()
        self._seconds.observe(time.monotonic() - account.started)
        if account.first is not None:
            self._first.observe(account.first - account.started)

    def reported(self, report: Report) -> None:
        """What became of the placeholders of an answer."""
        if self._client is not None:
            self._reports(report)

    def page(self) -> tuple[bytes, str] | None:
        """What ``/metrics`` shows, and its content type; None without prometheus-client."""
        if self._client is None:
            return None
        registry = self._registry
        if os.environ.get(MULTIPLE):
            registry = self._client.CollectorRegistry()
            import_module("prometheus_client.multiprocess").MultiProcessCollector(registry)
        page: bytes = self._client.generate_latest(registry)
        return page, self._client.CONTENT_TYPE_LATEST
