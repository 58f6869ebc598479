"""A store on a Redis or Valkey server, for workers on any number of machines.

A scope is one hash: its fields are the names of entries, the values are the sealed entries. Every call is one round
trip: a merge sends ``MULTI``, ``HSET``, ``PEXPIRE``, ``EXEC`` in one pipeline and is atomic, or ``PEXPIRE`` alone if
nothing is new; a load sends ``HGETALL`` for each key that is accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from holdback.errors import StoreError
from holdback.mapping import PIIMapping
from holdback.stores.base import Closing, checked_scope, checked_ttl, entries_of, mapping_of, needed
from holdback.stores.sealed import Keys, Sealer

PREFIX = b"holdback:"
"""What every key of ours on the server begins with."""

MANY = 256
"""Sealing or opening more entries than these is done in a thread: it would hold up other requests."""

Result = TypeVar("Result")


class RedisStore(Closing):
    """A store on a Redis or Valkey server; everything in it is sealed.

    :param url: such as ``"redis://localhost:6379/0"``, ``"rediss://…"`` for TLS, ``"unix://…"`` for a socket.
    :param key: at least 32 random bytes; or several keys, of which the first seals and all open.
    :param ttl: after how many seconds without a merge a scope is forgotten; None keeps it.
    :param timeout: how many seconds a call may take as a whole, reconnecting included.
    :raises HoldbackError: a key is too short, or ``redis`` or ``cryptography`` is not installed.

    It connects at the first call, and belongs to the event loop in which that is made. A call whose connection turns
    out to be gone is made once more on a new one: a merge may be repeated, since it says the same again.

    >>> RedisStore("redis://localhost:6379/0", key=bytes(range(32)), ttl=86_400)
    RedisStore()
    """

    __slots__ = ("_client", "_errors", "_sealer", "_timeout", "_ttl")

    def __init__(self, url: str, key: Keys, *, ttl: float | None = None, timeout: float = 2.0) -> None:
        self._sealer = Sealer(key, store="RedisStore", extra="redis")
        self._ttl = checked_ttl(ttl)
        self._timeout = timeout
        client = needed("redis.asyncio", "RedisStore", "redis")
        exceptions = needed("redis.exceptions", "RedisStore", "redis")
        retry = needed("redis.asyncio.retry", "RedisStore", "redis")
        backoff = needed("redis.backoff", "RedisStore", "redis")
        self._errors: tuple[type[Exception], ...] = (exceptions.RedisError, OSError, TimeoutError, ValueError)
        again = retry.Retry(backoff.NoBackoff(), 1, supported_errors=(exceptions.ConnectionError, OSError))
        failed = False
        try:
            # Without a timeout of its own for what is sent and read, for which redis-py would run a task each: that
            # of the call as a whole is enough.
            self._client: Any = client.Redis.from_url(
                url, socket_connect_timeout=timeout, socket_timeout=None, retry=again
            )
        except (ValueError, AttributeError):  # which quote the address, and it may hold a password
            failed = True
        if failed:
            raise StoreError("the address of the store cannot be understood")

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        """Add the pairs of ``mapping`` to the scope; see :class:`Store`."""
        checked_scope(scope)
        entries = entries_of(mapping)
        ttl = checked_ttl(ttl) or self._ttl
        if len(entries) > MANY:
            sealed = await asyncio.to_thread(self._sealer.seal, scope, entries)
        else:
            sealed = self._sealer.seal(scope, entries)
        (name, *_) = self._names(scope)
        lasts = None if ttl is None else max(1, round(ttl * 1000))
        if sealed:
            pipeline = self._client.pipeline(transaction=True)
            pipeline.hset(name, mapping=sealed)
            if lasts is not None:
                pipeline.pexpire(name, lasts)
            await self._said(pipeline.execute())
        elif lasts is not None:  # costs less than a pipeline
            await self._said(self._client.pexpire(name, lasts))

    async def load(self, scope: str) -> PIIMapping:
        """What the scope knows.

        :raises StoreError: the server cannot be reached in time, or an entry not be opened.
        """
        checked_scope(scope)
        names = self._names(scope)
        found: list[dict[bytes, bytes]]
        if len(names) == 1:  # costs less than a pipeline
            found = [await self._said(self._client.hgetall(names[0]))]
        else:
            pipeline = self._client.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(name)
            found = await self._said(pipeline.execute())
        if sum(map(len, found)) > MANY:
            return await asyncio.to_thread(lambda: mapping_of(self._sealer.open(scope, found)))
        return mapping_of(self._sealer.open(scope, found))

    async def forget(self, scope: str) -> None:
        """Remove the scope and all it knows."""
        checked_scope(scope)
        pipeline = self._client.pipeline(transaction=False)
        for name in self._names(scope):
            pipeline.unlink(name)
        await self._said(pipeline.execute())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._said(self._client.aclose())

    def _names(self, scope: str) -> list[bytes]:
        return [PREFIX + name.hex().encode() for name in self._sealer.names(scope)]

    async def _said(self, call: Awaitable[Result]) -> Result:
        """What the server says, in time; its errors may quote what it was sent."""
        failure = ""
        try:
            async with asyncio.timeout(self._timeout):
                return await call
        except self._errors as error:
            failure = type(error).__name__
        raise StoreError(f"the store cannot be used: its server raised {failure}")

    def __repr__(self) -> str:
        return "RedisStore()"
