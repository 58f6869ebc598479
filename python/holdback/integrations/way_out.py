"""What the HTTP integrations share of the way out: which conversation a request belongs to, and how it is masked.

With ``masker=`` an integration does the round trip: it masks what goes out, and restores the answer by the mapping
that results. It keeps nothing of a turn: the next request brings the conversation again, with the values that were
restored in it, and is masked as a whole.

A request that cannot be masked is an error and is not sent. Bodies that are no JSON, such as those of uploads, are
among them; ``scope`` says which requests may pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from holdback.errors import MaskingError
from holdback.mapping import PIIMapping
from holdback.masking import Masker, RoundTrip
from holdback.masking.masker import Masked
from holdback.masking.round_trip import both, loaded, merged
from holdback.stores.base import Store

ScopeOrCallable = str | Callable[[Any], str | None] | None
"""The conversation of all requests, or what says that of a request; None from it lets the request pass unmasked."""

STALE = frozenset((
    *("content-length", "transfer-encoding"),
    *("content-md5", "digest", "content-digest", "repr-digest"),
))  # fmt: skip
"""Headers of a request that are no longer true of its masked body."""


class WayOut:
    """Masks the requests of an integration.

    :raises TypeError: an argument is of a wrong type, or there is no scope.
    :raises MaskingError: the config restores signed text, or the placeholders are numbered and there is a store.
    """

    __slots__ = ("_masker", "_scope", "_store", "_trip", "_ttl")

    def __init__(
        self, masker: Masker, scope: ScopeOrCallable, store: Store | None, ttl: float | None, config: Any
    ) -> None:
        self._trip = RoundTrip(masker, store, ttl=ttl)
        if not (isinstance(scope, str) or callable(scope)):
            raise TypeError(f"scope must be str or a callable of the request, not {type(scope).__name__}")
        masker.check_config(config)
        self._masker = masker
        self._scope = scope
        self._store = store
        self._ttl = ttl

    def scope_of(self, request: Any) -> str | None:
        """The conversation of a request; None if it is to pass unmasked."""
        return self._scope if isinstance(self._scope, str) else self._scope(request)

    async def mask(self, body: bytes, scope: str) -> Masked[bytes]:
        """The body to send, and the mapping for the answer. A request without a body says nothing; its answer may.

        :raises MaskingError: it cannot be masked.
        :raises StoreError: what the conversation masked before cannot be loaded.
        """
        if body:
            return await self._trip.mask(body, scope)
        return _without_body(await self._trip.mask({}, scope))

    def mask_now(self, body: bytes, scope: str) -> Masked[bytes]:
        """The same where there is no store."""
        return self._trip.mask_now(body, scope) if body else _without_body(self._trip.mask_now({}, scope))

    def session(self, scope: str) -> Session:
        """A session of the conversation ``scope``.

        :raises MaskingError: the masker's placeholders are numbered, and mean something in one request alone.
        """
        return Session(self._masker, self._store, self._ttl, scope)


class Session:
    """A conversation whose requests come one by one over a connection: it keeps its mapping while it lasts.

    :raises MaskingError: the masker's placeholders are numbered, and mean something in one request alone.
    """

    __slots__ = ("_is_loaded", "_masker", "_owed", "_scope", "_store", "_ttl", "mapping")

    def __init__(self, masker: Masker, store: Store | None, ttl: float | None, scope: str) -> None:
        if masker.style == "numbered":
            raise MaskingError("numbered placeholders mean something in one request alone, not in a session")
        self._masker = masker
        self._store = store
        self._ttl = ttl
        self._scope = scope
        self._is_loaded = store is None
        self.mapping = PIIMapping()
        self._owed = PIIMapping()  # what the store could not be told yet

    async def mask(self, request: bytes, protocol: str) -> Masked[bytes]:
        """Mask a request by all that the session knows.

        :raises MaskingError: it cannot be masked.
        :raises StoreError: what the conversation masked before cannot be loaded.
        """
        if self._store is not None and not self._is_loaded:
            self.mapping, self._is_loaded = await loaded(self._store, self._scope), True
        masked = self._masker.mask(request, scope=self._scope, known=self.mapping, protocol=protocol)
        self.mapping = masked.mapping
        if self._store is None:
            return masked
        self._owed = both(masked.added, self._owed)  # also if this is cancelled now
        done = await merged(self._store, self._scope, replace(masked, added=self._owed), self._ttl)
        if done.report.is_stored:
            self._owed = PIIMapping()
        return replace(masked, report=done.report)


def way_out(
    masker: Masker | None,
    scope: ScopeOrCallable,
    store: Store | None,
    ttl: float | None,
    *,
    mapping: object,
    config: Any,
) -> WayOut | None:
    """What masks the requests, if there is a masker.

    :raises TypeError: there is a mapping as well, or what belongs to a masker is there without one.
    """
    if masker is None:
        if scope is not None or store is not None or ttl is not None:
            raise TypeError("scope, store and ttl belong to a masker, and there is none")
        return None
    if mapping is not None:
        raise TypeError("give a mapping or a masker, not both: a masker makes the mapping of each request")
    return WayOut(masker, scope, store, ttl, config)


def mapping_to_restore(masked: Masked[bytes]) -> PIIMapping | None:
    """The mapping for the answer; None if nothing can be restored in it."""
    return None if masked.mapping.is_empty else masked.mapping


def _without_body(masked: Masked[dict[str, Any]]) -> Masked[bytes]:
    return Masked(b"", masked.mapping, masked.report, masked.added)
