"""Stores by their addresses, as settings name them."""

from __future__ import annotations

from holdback.errors import StoreError
from holdback.stores.base import Store
from holdback.stores.memory import MemoryStore
from holdback.stores.redis import RedisStore
from holdback.stores.sealed import Keys
from holdback.stores.sqlite import SqliteStore

SERVERS = ("redis", "rediss", "unix")


def store_at(address: str, key: Keys, *, ttl: float | None = None, timeout: float = 2.0) -> Store | None:
    """The store at an address: ``none``, ``memory:``, ``sqlite:PATH`` or what redis-py takes, such as ``redis://…``.

    :raises StoreError: the address is none of these; it is not quoted, for it may hold a password.
    """
    kind, _, rest = address.partition(":")
    if address == "none":
        return None
    if address == "memory:":
        return MemoryStore(ttl=ttl)
    if kind == "sqlite" and rest:
        return SqliteStore(rest, key, ttl=ttl, timeout=timeout)
    if kind in SERVERS:
        return RedisStore(address, key, ttl=ttl, timeout=timeout)
    raise StoreError("a store is none, memory:, sqlite:PATH, redis://…, rediss://… or unix://…")
