"""A real Redis server on loopback, and the stores that the contract is asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdback.stores import MemoryStore, RedisStore, SqliteStore
from redis_server import SERVER, Server

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if SERVER is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """The server, empty; started again if a test stopped it."""
    if _server._process is None:
        _server.start()
    _server.say("FLUSHALL")
    yield _server
    _server.go_on()


Make = Callable[..., Any]


@pytest.fixture(
    params=[
        "memory",
        pytest.param("sqlite", marks=pytest.mark.stores),
        pytest.param("redis", marks=pytest.mark.stores),
    ]
)
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a store of each kind; all made in one test look at the same data, as workers do. Closed afterwards."""
    made: list[Any] = []
    memory: list[MemoryStore] = []

    def make(**given: Any) -> Any:
        options: dict[str, Any] = {"key": KEY, **given}
        store: Any
        if request.param == "memory":
            del options["key"]
            store = MemoryStore(**options)
            if memory:
                store._scopes = memory[0]._scopes
            memory.append(store)
        elif request.param == "sqlite":
            pytest.importorskip("cryptography")
            store = SqliteStore(tmp_path / "masked.db", **options)
        else:
            pytest.importorskip("cryptography")
            pytest.importorskip("redis")
            options = {"timeout": 20} | options
            store = RedisStore(request.getfixturevalue("server").url, **options)
        made.append(store)
        return store

    yield make
    for store in made:
        await store.aclose()
