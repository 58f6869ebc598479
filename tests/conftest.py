"""The fixtures: a test that names ``backend`` runs once on each twin, one that names ``hosted`` has its host."""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings

from holdback import _backend, _pure
from thorough import IS_THOROUGH

try:
    _native: ModuleType | None = importlib.import_module("holdback._native")
except ModuleNotFoundError:
    if os.environ.get("HOLDBACK_REQUIRE_NATIVE", "") not in ("", "0"):
        raise
    _native = None

EXAMPLES = 200 if IS_THOROUGH else 100
# The same examples at every run in CI, where a new finding would look like a flaky test; fresh ones elsewhere.
settings.register_profile(
    "holdback",
    deadline=None,
    max_examples=int(os.environ.get("HOLDBACK_EXAMPLES", EXAMPLES)),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("holdback")

TWINS: dict[str, ModuleType | None] = {"native": _native, "pure": _pure}
BUILT = [name for name, twin in TWINS.items() if twin is not None]


@pytest.fixture(params=["native", "pure"])
def backend(request: pytest.FixtureRequest) -> Iterator[Literal["native", "pure"]]:
    """Run everything above the matcher on this twin; fails if the other one answers.

    Where the extension was not built (no Rust on the machine) its half is skipped;
    ``HOLDBACK_REQUIRE_NATIVE=1`` makes that an error.
    """
    name: Literal["native", "pure"] = request.param
    twin = TWINS[name]
    if twin is None:
        pytest.skip("the extension holdback._native is not built here")
    # Its own, set before a test begins and not by it: so one test may run in several threads.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_backend, "TrieMatcher", twin.TrieMatcher)
        patch.setattr(_backend, "StreamBuffer", twin.StreamBuffer)
        patch.setattr(_backend, "BACKEND", name)
        patch.setattr(
            _backend, "MATCHER_TYPES", tuple(module.TrieMatcher for module in TWINS.values() if module)
        )
        matcher = _backend.TrieMatcher({"a": "b"})
        assert type(matcher).__module__.startswith("holdback._pure") == (name == "pure"), (
            "the wrong twin loaded"
        )
        assert type(matcher.stream()) is twin.StreamBuffer
        yield name


@pytest.fixture
def hosted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests of which only some need a host, and are marked so: LiteLLM, what the stores
    need, or PrivAiTe with our parts in it."""
    if request.node.get_closest_marker("litellm"):
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
        with warnings.catch_warnings():  # its own, when it is imported
            warnings.simplefilter("ignore")
            pytest.importorskip("litellm")
            importlib.import_module("holdback.integrations.litellm")
    if request.node.get_closest_marker("frameworks"):
        pytest.importorskip("langchain")
    if request.node.get_closest_marker("stores"):
        pytest.importorskip("cryptography")
        pytest.importorskip("redis")
    if request.node.get_closest_marker("privaite") is None:
        yield
        return
    pytest.importorskip("privaite")
    monkeypatch.setitem(sys.modules, "litellm", ModuleType("litellm"))  # which it calls providers with
    ours: Any = importlib.import_module("holdback.integrations.privaite")
    ours.install()
    yield
    ours.uninstall()


@pytest.fixture
def map_file(tmp_path: Path) -> Callable[[object], Path]:
    """Writes a map for the command."""

    def write(content: object) -> Path:
        path = tmp_path / "map.json"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        path.write_bytes(data)
        path.chmod(0o600)
        return path

    return write
