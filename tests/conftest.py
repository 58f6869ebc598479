"""The ``backend`` fixture: a test that names it runs once on each twin."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings

from holdback import _backend, _pure

try:
    _native: ModuleType | None = importlib.import_module("holdback._native")
except ModuleNotFoundError:
    if os.environ.get("HOLDBACK_REQUIRE_NATIVE", "") not in ("", "0"):
        raise
    _native = None

# The same examples at every run in CI, where a new finding would look like a flaky test; fresh ones elsewhere.
settings.register_profile(
    "holdback",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("holdback")

TWINS: dict[str, ModuleType | None] = {"native": _native, "pure": _pure}
BUILT = [name for name, twin in TWINS.items() if twin is not None]


@pytest.fixture(params=["native", "pure"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Literal["native", "pure"]:
    """Run everything above the matcher on this twin; fails if the other one answers.

    Where the extension was not built (no Rust on the machine) its half is skipped;
    ``HOLDBACK_REQUIRE_NATIVE=1`` makes that an error.
    """
    name: Literal["native", "pure"] = request.param
    twin = TWINS[name]
    if twin is None:
        pytest.skip("the extension holdback._native is not built here")
    monkeypatch.setattr(_backend, "TrieMatcher", twin.TrieMatcher)
    monkeypatch.setattr(_backend, "StreamBuffer", twin.StreamBuffer)
    monkeypatch.setattr(_backend, "BACKEND", name)
    monkeypatch.setattr(
        _backend, "MATCHER_TYPES", tuple(module.TrieMatcher for module in TWINS.values() if module)
    )
    matcher = _backend.TrieMatcher({"a": "b"})
    assert type(matcher).__module__.startswith("holdback._pure") == (name == "pure"), "the wrong twin loaded"
    assert type(matcher.stream()) is twin.StreamBuffer
    return name
