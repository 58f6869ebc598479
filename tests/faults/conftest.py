"""Hosts for the shells that are nothing without one."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """LiteLLM as it is, or PrivAiTe with our parts in it, for the tests that are marked so."""
    if request.node.get_closest_marker("litellm"):
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would be fetched
        with warnings.catch_warnings():  # its own, when it is imported
            warnings.simplefilter("ignore")
            pytest.importorskip("litellm")
            importlib.import_module("holdback.integrations.litellm")
    if request.node.get_closest_marker("privaite") is None:
        yield
        return
    pytest.importorskip("privaite")
    monkeypatch.setitem(sys.modules, "litellm", ModuleType("litellm"))  # which it calls providers with
    ours: Any = importlib.import_module("holdback.integrations.privaite")
    ours.install()
    yield
    ours.uninstall()
