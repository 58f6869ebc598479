"""PrivAiTe's chat endpoint with its own streaming parts and with ours: `make bench`.

Its application's route, its provider router and its pipeline are the real ones (0.7.3); what masks and what answers
are played, and the server is this loop: everything from the provider's chunk to the bytes for the client is timed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from benches.workloads import (
    FULL,
    dict_chunks,
    object_chunks,
    optional,
    pairs_of,
    privaite_mapping,
    prose,
    seeds,
    tokens,
)

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")

PAIRS = pairs_of("placeholders", 100)
KINDS = {"dicts": dict_chunks, "objects": object_chunks}
SEEDS = seeds()
BODY = json.dumps({"model": "m", "messages": [], "stream": True}).encode()
SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/v1/chat/completions",
    "raw_path": b"/v1/chat/completions",
    "query_string": b"",
    "headers": [(b"host", b"app"), (b"content-type", b"application/json")],
    "client": ("127.0.0.1", 1),
    "server": ("app", 80),
}


class Upstream:
    """A provider's stream: chunks nobody has touched yet."""

    def __init__(self, chunks: list[Any]) -> None:
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None: ...


class Endpoint:
    """The application, and what its provider says next."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.upstream = Upstream([])
        self.loop = asyncio.new_event_loop()
        router = importlib.import_module("privaite.providers.router")
        monkeypatch.setattr(router, "litellm", SimpleNamespace(acompletion=self._answer))
        provider = {"model_name": "m", "litellm_params": {"model": "openai/m"}}
        config = importlib.import_module("privaite.config.schema").PrivAiTeConfig(providers=[provider])
        self.app = importlib.import_module("fastapi").FastAPI()
        self.app.include_router(importlib.import_module("privaite.api.chat").router)
        self.app.state.config = config
        self.app.state.provider_router = router.ProviderRouter(config.providers)
        self.app.state.pii_engine = SimpleNamespace(process_request=self._masked)

    async def _answer(self, **_: Any) -> Upstream:
        return self.upstream

    async def _masked(self, messages: Any, _: Any) -> Any:
        return messages, privaite_mapping(PAIRS)

    def ask(self, upstream: Upstream) -> bytes:
        """The body of its answer."""
        self.upstream = upstream
        parts: list[bytes] = []
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()  # the client stays
            asked = True
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            parts.append(message.get("body", b""))

        self.loop.run_until_complete(self.app(dict(SCOPE), receive, send))
        return b"".join(parts)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for needed in ("privaite", "fastapi"):
        if optional(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if optional("litellm") is None:
        monkeypatch.setitem(sys.modules, "litellm", ModuleType("litellm"))
    endpoint = Endpoint(monkeypatch)
    yield endpoint
    endpoint.loop.close()


@pytest.mark.parametrize("contender", ["theirs", "ours"])
@pytest.mark.parametrize("kind", KINDS)
def test_chat_endpoint(benchmark: Any, kind: str, contender: str, endpoint: Endpoint) -> None:
    """2,000 chunks, a match per 200 code points."""
    if kind == "objects" and optional("litellm.types.utils") is None:
        pytest.skip("LiteLLM is not installed")
    benchmark.group = f"privaite's chat endpoint, {kind}"
    ours = importlib.import_module("holdback.integrations.privaite")
    asked: list[str] = []
    heard: list[bytes] = []

    def fresh() -> tuple[tuple[Any, ...], dict[str, Any]]:
        seed = next(SEEDS)
        pieces = tokens(prose(20_000, list(PAIRS), 200, seed), seed)[:2000]
        asked.append("".join(pieces))
        return (Upstream(KINDS[kind](pieces)),), {}

    if contender == "ours":
        ours.install()
    try:
        benchmark.pedantic(
            lambda upstream: heard.append(endpoint.ask(upstream)), setup=fresh, rounds=15 if FULL else 7
        )
    finally:
        ours.uninstall()
    benchmark.extra_info["chunks per second"] = round(2000 / benchmark.stats.stats.median)
    assert said(heard[-1]) == restored(asked[-1]), "it must be right before it may be fast"


def said(body: bytes) -> str:
    chunks = [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def restored(text: str) -> str:
    for placeholder, original in PAIRS.items():
        text = text.replace(placeholder, original)
    return text
