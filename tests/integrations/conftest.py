"""What the tests with real hosts and clients share."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from privaite_host import NAMES as PRIVAITE_NAMES
from provider import Provider, serving
from proxy_host import VALUES as PROXY_VALUES
from proxy_host import Proxy, started
from round_trips import OverAsgi, OverTransport
from transport_hosts import Host


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider on loopback, for the tests of one file."""
    pytest.importorskip("uvicorn")
    with serving() as provider:
        yield provider


# ---------------------------------------------------------------- the transports


@pytest.fixture(params=["httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async"])
def host(request: pytest.FixtureRequest) -> Host:
    name, _, mode = request.param.partition("-")
    library = pytest.importorskip(name)
    ours = importlib.import_module(f"holdback.integrations.{name}")
    return Host(library, ours, mode == "async")


@pytest.fixture(scope="module", params=["httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async", "asgi"])
def way(request: pytest.FixtureRequest) -> Any:
    library, _, mode = request.param.partition("-")
    return OverAsgi() if library == "asgi" else OverTransport(library, is_async=mode == "async")


# ---------------------------------------------------------------- LiteLLM's proxy


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    pytest.importorskip("litellm")
    with serving() as provider, started(tmp_path_factory.mktemp("proxy"), provider) as proxy:
        yield proxy
        # Whatever the tests did: no value went to the provider, and none is in the log.
        for value in PROXY_VALUES.values():
            assert all(value not in body and json.dumps(value)[1:-1] not in body for body in provider.seen)
            assert value not in proxy.log.read_text(errors="replace")


@pytest.fixture
def openai(proxy: Proxy) -> Iterator[Any]:
    sdk = pytest.importorskip("openai")
    with sdk.OpenAI(api_key=proxy.key, base_url=f"{proxy.address}/v1", max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def anthropic(proxy: Proxy) -> Iterator[Any]:
    sdk = pytest.importorskip("anthropic")
    with sdk.Anthropic(api_key=proxy.key, base_url=proxy.address, max_retries=0, timeout=60) as client:
        yield client


# ---------------------------------------------------------------- PrivAiTe


@pytest.fixture
def privaite(monkeypatch: pytest.MonkeyPatch) -> None:
    """PrivAiTe as it is; LiteLLM, which it calls providers with, is played by the tests."""
    pytest.importorskip("privaite")
    monkeypatch.setitem(sys.modules, "litellm", ModuleType("litellm"))
    for module in PRIVAITE_NAMES:
        importlib.import_module(module)


@pytest.fixture
def ours() -> Iterator[Any]:
    """Our parts in it, for one test."""
    ours = importlib.import_module("holdback.integrations.privaite")
    ours.install()
    yield ours
    ours.uninstall()
