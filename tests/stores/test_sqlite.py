"""The store in a file: time, other processes, and files that are not what they should be."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdback import PIIMapping
from holdback.stores import MemoryStore, SqliteStore, StoreError

pytestmark = pytest.mark.stores
NEW, OLD = bytes(range(32)), bytes(32)
WORD = "kanarie"


@pytest.fixture(autouse=True)
def _cryptography() -> None:
    pytest.importorskip("cryptography")


def pair(number: int = 1) -> PIIMapping:
    mapping = PIIMapping()
    mapping.add(f"{WORD} {number}", f"<KANARIE_{number}>", "KANARIE")
    return mapping


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_scope_is_forgotten_in_time(kind: str, tmp_path: Path) -> None:
    """Redis has a clock of its own."""
    store: Any = MemoryStore(ttl=60) if kind == "memory" else SqliteStore(tmp_path / "a.db", NEW, ttl=60)
    now = [1000.0]
    store._now = lambda: now[0]
    await store.merge("s", pair(1))
    await store.merge("t", pair(2), ttl=10)
    now[0] += 59
    assert (await store.load("s")).count == 1
    assert (await store.load("t")).is_empty
    await store.merge("s", pair(3))  # a merge begins the time anew
    now[0] += 59
    assert (await store.load("s")).count == 2
    now[0] += 1
    assert (await store.load("s")).is_empty
    await store.merge("s", pair(4))
    assert (await store.load("s")).get_all_fakes().keys() == {"<KANARIE_4>"}
    await store.aclose()
    if kind == "sqlite":  # what is over is gone from the file as well
        assert len(sqlite3.connect(tmp_path / "a.db").execute("SELECT * FROM holdback").fetchall()) == 2
    else:
        assert len(store._scopes) == 1


async def test_without_a_time_what_was_said_before_holds(tmp_path: Path) -> None:
    for store in (MemoryStore(), SqliteStore(tmp_path / "a.db", NEW)):
        any_store: Any = store
        now = [1000.0]
        any_store._now = lambda now=now: now[0]
        await any_store.merge("s", pair(1), ttl=10)
        await any_store.merge("s", pair(2))
        now[0] += 11
        assert (await any_store.load("s")).is_empty
        await any_store.aclose()


async def test_the_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path, NEW) as store:
        await store.merge(f"the {WORD}", pair())
        files = sorted(tmp_path.glob("a.db*"))  # noqa: ASYNC240 - nothing else runs in this loop
        assert len(files) >= 2  # with the log that is written ahead
        assert not any(WORD.encode() in data.lower() for data in map(Path.read_bytes, files))
        assert not any(stat.S_IMODE(told.st_mode) & 0o077 for told in map(Path.stat, files))


async def test_keys_are_rotated(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with (
        SqliteStore(path, OLD) as old,
        SqliteStore(path, [NEW, OLD]) as both,
        SqliteStore(path, NEW) as new,
    ):
        await old.merge("s", pair(1))
        await both.merge("s", pair(2))
        assert (await both.load("s")).count == 2
        assert (await new.load("s")).get_all_fakes().keys() == {"<KANARIE_2>"}
        assert (await old.load("s")).get_all_fakes().keys() == {"<KANARIE_1>"}
        await both.forget("s")
        assert (await old.load("s")).is_empty
        assert (await new.load("s")).is_empty


async def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text(f"{WORD}\n" * 1000)
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "text.db", tmp_path / "folder", tmp_path / "nowhere" / "a.db"):
        async with SqliteStore(path, NEW) as store:
            for call in (store.merge("s", pair()), store.load("s"), store.forget("s")):
                with pytest.raises(StoreError, match="the store cannot be used: SQLite raised") as caught:
                    await call
                assert caught.value.__context__ is None


async def test_an_entry_that_was_not_written_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path, NEW) as store:
        await store.merge("s", pair())
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE holdback SET sealed = substr(sealed, 1, 40)")
        connection.close()
        with pytest.raises(StoreError, match="an entry cannot be opened"):
            await store.load("s")
        await store.forget("s")
        assert (await store.load("s")).is_empty


@pytest.mark.parametrize(
    "change", ["sealed = NULL", "sealed = 'x'", "sealed = 1", "until = 'x', sealed = NULL"]
)
async def test_an_entry_of_another_type(change: str, tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", NEW) as store:
        await store.merge("s", pair())
        with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
            other.execute(f"UPDATE holdback SET {change}")
        other.close()
        with pytest.raises(StoreError, match=r"it was not written by this version of holdback$"):
            await store.load("s")


async def test_a_worker_that_does_not_let_go(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with SqliteStore(path, NEW, timeout=0.05) as store:
        await store.merge("s", pair(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="OperationalError"):
            await store.merge("s", pair(2))
        assert (await store.load("s")).count == 1  # readers go on
        other.execute("COMMIT")
        other.close()
        await store.merge("s", pair(2))
        assert (await store.load("s")).count == 2


async def test_a_new_file_that_another_worker_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE another (a)")
    other.execute("BEGIN IMMEDIATE")
    async with SqliteStore(path, NEW, timeout=0.05) as store:
        with pytest.raises(StoreError, match="OperationalError"):
            await store.merge("s", pair(1))
    async with SqliteStore(path, NEW, timeout=60) as store:
        merge = asyncio.ensure_future(store.merge("s", pair(1)))
        await asyncio.sleep(0.1)
        assert not merge.done()
        other.execute("COMMIT")
        other.close()
        await merge
        assert (await store.load("s")).count == 1


def test_workers_that_are_processes(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from holdback import PIIMapping\n"
        "from holdback.stores import SqliteStore\n"
        "async def main(path, worker):\n"
        "    async with SqliteStore(path, bytes(range(32)), timeout=60) as store:\n"
        "        for number in range(20):\n"
        "            mapping = PIIMapping()\n"
        "            mapping.add(f'value {worker} {number}', f'<P_{worker}_{number}>', 'P')\n"
        "            await store.merge('s', mapping)\n"
        "asyncio.run(main(sys.argv[1], sys.argv[2]))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / "a.db"
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(worker)], env=environment)
        for worker in range(4)
    ]
    assert [worker.wait(100) for worker in workers] == [0] * 4

    async def count() -> int:
        async with SqliteStore(path, NEW) as store:
            return (await store.load("s")).count

    assert asyncio.run(count()) == 80


async def test_a_call_that_is_cancelled(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "a.db", NEW) as store:
        await store.merge("s", pair(1))
        call = asyncio.ensure_future(store.merge("s", pair(2)))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await store.merge("s", pair(3))
        assert {"<KANARIE_1>", "<KANARIE_3>"} <= (await store.load("s")).get_all_fakes().keys()
