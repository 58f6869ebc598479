"""The store on a real server: what it sees, and what happens when it goes, comes back empty, or does not answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdback import PIIMapping
from holdback.stores import RedisStore, StoreError

pytestmark = pytest.mark.stores
NEW, OLD = bytes(range(32)), bytes(32)
WORD = "kanarie"
FAILED = "the store cannot be used: its server raised"


@pytest.fixture(autouse=True)
def _extras() -> None:
    pytest.importorskip("cryptography")
    pytest.importorskip("redis")


def pair(number: int = 1) -> PIIMapping:
    mapping = PIIMapping()
    mapping.add(f"{WORD} {number}", f"<KANARIE_{number}>", "KANARIE")
    return mapping


@pytest.fixture
async def store(server: Any) -> AsyncIterator[RedisStore]:
    async with RedisStore(server.url, NEW, timeout=20) as store:
        yield store


async def test_a_dump_says_nothing(server: Any, store: RedisStore) -> None:
    await store.merge(f"the {WORD}", pair())
    dump = server.dump()
    assert b"holdback:" in dump
    assert WORD.encode() not in dump.lower()
    keys = server.say("KEYS", "*")
    assert re.search(rb"holdback:[0-9a-f]{64}\r\n", keys)
    assert keys.startswith(b"*1\r\n")


async def test_one_round_trip_each_way(
    server: Any, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.load("s")  # which connects
    pool = store._client.connection_pool
    sent: list[bytes] = []
    (connection,) = pool._available_connections
    packed = type(connection).send_packed_command

    async def counted(self: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(b"".join(command) if isinstance(command, list) else bytes(command))
        return await packed(self, command, *args, **kwargs)

    monkeypatch.setattr(type(connection), "send_packed_command", counted)
    merges = (store.merge("s", pair(), ttl=60), store.merge("s", PIIMapping(), ttl=60))
    for call in (*merges, store.load("s"), store.forget("s")):
        sent.clear()
        await call
        assert len(sent) == 1
        assert (b"MULTI" in sent[0]) == (b"HSET" in sent[0])  # both are done or none: pairs, and their time
    async with RedisStore(server.url, [NEW, OLD], timeout=20) as both:
        await both.load("s")
        sent.clear()
        await both.load("s")
        assert len(sent) == 1


async def test_a_turn_with_nothing_new_runs_no_task(store: RedisStore) -> None:
    await store.load("s")  # which connects
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[Any]] = []

    def counted(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        tasks.append(asyncio.Task(work, loop=loop, **options))
        return tasks[-1]

    loop.set_task_factory(counted)
    try:
        await store.load("s")
        await store.merge("s", PIIMapping(), ttl=60)
    finally:
        loop.set_task_factory(None)
    assert not tasks


async def test_time_to_live_is_the_servers(server: Any, store: RedisStore) -> None:
    def left(scope: str) -> int:
        (name,) = store._names(scope)
        return int(re.match(rb":(-?\d+)", server.say("PTTL", name))[1])  # type: ignore[index]

    await store.merge("s", pair(1), ttl=1000)
    assert 0 < left("s") <= 1_000_000
    await store.merge("s", pair(2), ttl=2000)
    assert 1_000_000 < left("s") <= 2_000_000
    await store.merge("s", pair(3))
    assert 1_000_000 < left("s") <= 2_000_000
    await store.merge("t", pair(1))
    assert left("t") == -1
    async with RedisStore(server.url, NEW, ttl=50, timeout=20) as other:
        await other.merge("t", PIIMapping())
        assert 0 < left("t") <= 50_000
        await other.merge("u", pair(1), ttl=0.0001)
        for _ in range(1000):
            if (await other.load("u")).is_empty:
                break
            await asyncio.sleep(0.01)
        assert (await other.load("u")).is_empty


async def test_keys_are_rotated(server: Any) -> None:
    async with (
        RedisStore(server.url, OLD, timeout=20) as old,
        RedisStore(server.url, [NEW, OLD], timeout=20) as both,
        RedisStore(server.url, NEW, timeout=20) as new,
    ):
        await old.merge("s", pair(1))
        await both.merge("s", pair(2))
        assert (await both.load("s")).count == 2
        assert (await new.load("s")).get_all_fakes().keys() == {"<KANARIE_2>"}
        await both.forget("s")
        assert server.say("DBSIZE").startswith(b":0")


async def refused(store: RedisStore) -> None:
    for call in (store.merge("s", pair()), store.load("s"), store.forget("s")):
        with pytest.raises(StoreError, match=FAILED) as caught:
            await call
        assert caught.value.__context__ is None
        assert WORD not in repr(caught.value)


async def test_a_server_that_is_gone_and_comes_back_empty(server: Any) -> None:
    async with RedisStore(server.url, NEW, timeout=20) as store:
        await store.merge("s", pair(1))
        server.stop()
        await refused(store)
        server.start()
        assert (await store.load("s")).is_empty
        await store.merge("s", pair(2))
        assert (await store.load("s")).count == 1


async def test_a_connection_that_was_lost_is_made_anew(server: Any, store: RedisStore) -> None:
    await store.merge("s", pair(1))
    for number in (2, 3):
        server.stop()
        server.start()
        await store.merge("s", pair(number))
    server.say("CLIENT", "KILL", "TYPE", "normal")
    assert (await store.load("s")).count == 1


async def test_a_server_that_does_not_answer(server: Any) -> None:
    async with RedisStore(server.url, NEW, timeout=20) as store:
        await store.merge("s", pair(1))
        server.pause()
        store._timeout = 0.3
        await refused(store)
        server.go_on()
        store._timeout = 20
    async with RedisStore(server.url, NEW, timeout=20) as store:
        assert (await store.load("s")).count <= 1  # forget may have come through


async def test_a_server_that_was_never_there(server: Any) -> None:
    server.stop()
    async with RedisStore(server.url, NEW, timeout=5) as store:
        await refused(store)
    server.start()


async def test_a_call_that_is_cancelled_leaves_the_store_whole(server: Any, store: RedisStore) -> None:
    await store.merge("s", pair(1))
    server.pause()
    calls = [asyncio.ensure_future(store.load(scope)) for scope in ("s", "t", "u")]
    await asyncio.sleep(0.05)
    for call in calls:
        call.cancel()
    assert {type(error) for error in await asyncio.gather(*calls, return_exceptions=True)} == {
        asyncio.CancelledError
    }
    server.go_on()
    assert (await store.load("t")).is_empty  # and not what was said of s
    assert (await store.load("s")).count == 1


async def test_what_somebody_else_wrote(server: Any, store: RedisStore) -> None:
    (name,) = store._names("s")
    server.say("SET", name, WORD)
    with pytest.raises(StoreError, match=FAILED):
        await store.load("s")
    with pytest.raises(StoreError, match=FAILED):
        await store.merge("s", pair())
    await store.forget("s")
    await store.merge("s", pair())
    server.say("HSET", name, b"x" * 16, WORD)
    with pytest.raises(StoreError, match="an entry cannot be opened"):
        await store.load("s")


async def test_an_entry_of_another_scope(server: Any, store: RedisStore) -> None:
    await store.merge("s", pair())
    (one,), (two,) = store._names("s"), store._names("t")
    assert server.say("COPY", one, two).startswith(b":1")
    with pytest.raises(StoreError, match="moved from another scope"):
        await store.load("t")


@pytest.mark.parametrize("url", ["", f"http://{WORD}@localhost", f"redis://:{WORD}@localhost:port/0"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(StoreError, match="the address of the store cannot be understood") as caught:
        RedisStore(url, NEW)
    assert caught.value.__context__ is None


def test_an_address_does_not_show() -> None:
    assert WORD not in repr(RedisStore(f"redis://:{WORD}@localhost:1/0", NEW))
