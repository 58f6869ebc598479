"""A store in a file of this machine.

One table. A row is an entry of a scope; the row of the scope itself has an empty name and says until when the scope is
known. Write-ahead logging lets workers read while one writes; a merge is one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

from holdback.errors import StoreError
from holdback.mapping import PIIMapping
from holdback.stores.base import Closing, checked_scope, checked_ttl, entries_of, mapping_of
from holdback.stores.sealed import Keys, Sealer

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS holdback (
    scope BLOB NOT NULL, name BLOB NOT NULL, sealed BLOB, until REAL, PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holdback_until ON holdback (until) WHERE until IS NOT NULL;
"""
_SCOPE = b""
"""The name of the row that is the scope's own."""
_PRIMARY = 0xFF
"""The bits of SQLite's error code that say what happened; the others say where."""
_PAUSE = 0.01
"""Seconds until a file that another worker holds is opened once more."""

Result = TypeVar("Result")


class SqliteStore(Closing):
    """A store in an SQLite file, for all workers of one machine; everything in it is sealed.

    :param path: the file; it is made if it is not there, readable by its owner alone.
    :param key: at least 32 random bytes; or several keys, of which the first seals and all open.
    :param ttl: after how many seconds without a merge a scope is forgotten; None keeps it.
    :param timeout: how many seconds it waits for another worker that writes.
    :raises HoldbackError: a key is too short, or ``cryptography`` is not installed.

    Work on the file is done in a thread. A process that forks makes its stores afterwards.

    >>> from tempfile import TemporaryDirectory
    >>> async def turn(path):
    ...     async with SqliteStore(path, key=bytes(range(32))) as store:
    ...         return (await store.load("a conversation")).count
    >>> with TemporaryDirectory() as folder:
    ...     asyncio.run(turn(f"{folder}/masked.db"))
    0
    """

    __slots__ = ("_connection", "_lock", "_now", "_path", "_sealer", "_timeout", "_ttl")

    def __init__(
        self, path: str | os.PathLike[str], key: Keys, *, ttl: float | None = None, timeout: float = 5.0
    ) -> None:
        self._path = Path(path)
        self._sealer = Sealer(key, store="SqliteStore", extra="stores")
        self._ttl = checked_ttl(ttl)
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()
        self._now = time.time

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        """Add the pairs of ``mapping`` to the scope; see :class:`Store`."""
        checked_scope(scope)
        entries = entries_of(mapping)
        ttl = checked_ttl(ttl) or self._ttl
        (name, *_) = self._sealer.names(scope)

        def work(connection: sqlite3.Connection) -> None:
            rows = [(name, *row) for row in self._sealer.seal(scope, entries).items()]
            now = self._now()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "DELETE FROM holdback WHERE scope IN (SELECT scope FROM holdback WHERE until <= ?)", (now,)
            )
            connection.executemany(
                "INSERT INTO holdback (scope, name, sealed) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
                rows,
            )
            if ttl is not None:
                connection.execute(
                    "INSERT INTO holdback (scope, name, until) VALUES (?, ?, ?) "
                    "ON CONFLICT DO UPDATE SET until = excluded.until",
                    (name, _SCOPE, now + ttl),
                )
            connection.execute("COMMIT")

        await self._in_thread(work)

    async def load(self, scope: str) -> PIIMapping:
        """What the scope knows.

        :raises StoreError: the file cannot be read, or an entry not be opened.
        """
        checked_scope(scope)
        names = self._sealer.names(scope)

        def work(connection: sqlite3.Connection) -> PIIMapping:
            found = []
            for name in names:
                rows = connection.execute(
                    "SELECT name, sealed, until <= ? FROM holdback WHERE scope = ?", (self._now(), name)
                ).fetchall()
                is_over = any(over for _, _, over in rows)
                found.append(
                    {} if is_over else {entry: sealed for entry, sealed, _ in rows if entry != _SCOPE}
                )
            return mapping_of(self._sealer.open(scope, found))

        return await self._in_thread(work)

    async def forget(self, scope: str) -> None:
        """Remove the scope and all it knows."""
        checked_scope(scope)
        names = self._sealer.names(scope)
        await self._in_thread(
            lambda connection: connection.executemany(
                "DELETE FROM holdback WHERE scope = ?", [(name,) for name in names]
            )
        )

    async def aclose(self) -> None:
        """Close the file."""

        def close() -> None:
            with self._lock:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

        await asyncio.to_thread(close)

    async def _in_thread(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        failure = ""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                failure = type(error).__name__
            finally:
                if self._connection is not None and self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.rollback()
        raise StoreError(f"the store cannot be used: SQLite raised {failure}")

    def _opened(self) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the table and its mode, or find them made.

        SQLite does not wait for its timeout where a connection changes the journal's mode while another one writes, as
        when several workers open a new file at once; so this waits.
        """
        until = time.monotonic() + self._timeout
        while True:
            try:
                connection.executescript(_SCHEMA)
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() >= until:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def __repr__(self) -> str:
        return "SqliteStore()"
