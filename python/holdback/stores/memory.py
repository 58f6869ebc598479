"""A store in the memory of this process."""

from __future__ import annotations

import time
from threading import Lock

from holdback.mapping import PIIMapping
from holdback.stores.base import Closing, Entry, checked_scope, checked_ttl, entries_of, mapping_of


class MemoryStore(Closing):
    """A store in the memory of this process: for one worker, and for tests. What it knows goes with the process.

    :param ttl: after how many seconds without a merge a scope is forgotten; None keeps it.

    >>> MemoryStore(ttl=3600)
    MemoryStore(scopes=0)
    """

    __slots__ = ("_lock", "_now", "_scopes", "_ttl")

    def __init__(self, *, ttl: float | None = None) -> None:
        self._ttl = checked_ttl(ttl)
        self._scopes: dict[str, tuple[dict[str, Entry], float | None]] = {}  # what is known, and until when
        self._lock = Lock()
        self._now = time.monotonic

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        """Add the pairs of ``mapping`` to the scope; see :class:`Store`."""
        checked_scope(scope)
        entries = entries_of(mapping)
        ttl = checked_ttl(ttl) or self._ttl
        now = self._now()
        with self._lock:
            for old in [
                name for name, (_, until) in self._scopes.items() if until is not None and until <= now
            ]:
                del self._scopes[old]
            known, until = self._scopes.get(scope, ({}, None))
            if ttl is not None:
                until = now + ttl
            known.update((entry[0], entry) for entry in entries)
            if known:
                self._scopes[scope] = (known, until)

    async def load(self, scope: str) -> PIIMapping:
        """What the scope knows."""
        checked_scope(scope)
        with self._lock:
            known, until = self._scopes.get(scope, ({}, None))
            entries = [] if until is not None and until <= self._now() else list(known.values())
        return mapping_of(entries)

    async def forget(self, scope: str) -> None:
        """Remove the scope and all it knows."""
        checked_scope(scope)
        with self._lock:
            self._scopes.pop(scope, None)

    def __repr__(self) -> str:
        return f"MemoryStore(scopes={len(self._scopes)})"
