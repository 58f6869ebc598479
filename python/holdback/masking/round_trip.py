"""One turn of a conversation: load what it masked before, mask the request, merge what is new.

The masker is sans-IO; shells do this around it, each in the same order:

    known  = await store.load(scope)           fails: the request cannot be masked, and must not be sent
    masked = masker.mask(request, known=known)
    await store.merge(scope, masked.added)     fails: this answer is restored all the same, and the report says so
    …send masked.request, restore its answer by masked.mapping…

The merge comes before the request is sent, so that another worker that is asked for the next turn finds it. Two round
trips to the store, one each way; without a store there is none.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from typing import Any, TypeVar

from holdback.errors import HoldbackError, MaskingError, StoreError
from holdback.mapping import PIIMapping
from holdback.masking.masker import Masked, Masker
from holdback.stores.base import Store, checked_ttl

LARGE = 128 * 1024
"""A request of more bytes than these is masked in a thread: it would hold up other requests."""

Request = TypeVar("Request", bound="bytes | dict[str, Any]")


class RoundTrip:
    """Masks the requests of conversations, with what a store knows of them.

    :param masker: what masks.
    :param store: what keeps the mappings of conversations; None keeps nothing, and each request stands for itself.
    :param ttl: after how many seconds without a turn a conversation is forgotten; None takes the store's own.
    :param known: pairs that every conversation has: their values are masked by their own placeholders, which are not
        stored.
    :raises TypeError: an argument is of a wrong type.
    :raises MaskingError: the masker's placeholders are numbered, and there is a store: no store can keep them.

    >>> import asyncio
    >>> from holdback.masking import KnownValues, Masker, Placeholders
    >>> from holdback.stores import MemoryStore
    >>> masker = Masker(KnownValues({"Ada": "PERSON"}), Placeholders(bytes(range(32))))
    >>> trip = RoundTrip(masker, MemoryStore(), ttl=3600)
    >>> masked = asyncio.run(trip.mask({"input": "I am Ada."}, "a conversation"))
    >>> masked.request
    {'input': 'I am <PERSON_uzo4xzutl5>.'}
    >>> later = asyncio.run(trip.mask({"input": "Who am I?", "previous_response_id": "resp_1"}, "a conversation"))
    >>> later.mapping.get_original("<PERSON_uzo4xzutl5>")
    'Ada'
    """

    __slots__ = ("_known", "_masker", "_store", "_ttl")

    def __init__(
        self,
        masker: Masker,
        store: Store | None = None,
        *,
        ttl: float | None = None,
        known: PIIMapping | None = None,
    ) -> None:
        if not isinstance(masker, Masker):
            raise TypeError(f"masker must be a Masker, not {type(masker).__name__}")
        if store is not None and not isinstance(store, Store):
            raise TypeError(f"store must be a Store, not {type(store).__name__}")
        if store is not None and masker.style == "numbered":
            raise MaskingError(
                "numbered placeholders mean something in one request alone: no store can keep them"
            )
        self._masker = masker
        self._store = store
        self._ttl = checked_ttl(ttl)
        if known is not None and not isinstance(known, PIIMapping):
            raise TypeError(f"known must be a PIIMapping, not {type(known).__name__}")
        self._known = known

    @property
    def masker(self) -> Masker:
        """What masks."""
        return self._masker

    async def mask(self, request: Request, scope: str, *, protocol: str = "auto") -> Masked[Request]:
        """Mask a request of the conversation ``scope``; see ``Masker.mask``.

        :raises TypeError: an argument is of a wrong type.
        :raises MaskingError: the request cannot be masked.
        :raises StoreError: what the conversation masked before cannot be loaded. After either the request must not be
            sent. A failed merge is no error: ``report.is_stored`` is false then.
        """
        if self._store is None:
            return await self._mask(request, scope, self._known, protocol)
        known = await loaded(self._store, scope)
        if self._known is not None:
            known = both(self._known, known)
        masked = await self._mask(request, scope, known, protocol)
        return await merged(self._store, scope, masked, self._ttl)

    def mask_now(self, request: Request, scope: str, *, protocol: str = "auto") -> Masked[Request]:
        """The same without waiting, where there is no store.

        :raises HoldbackError: there is a store: asking it takes an event loop.
        """
        if self._store is not None:
            raise HoldbackError("a store is asked in an event loop: use the asynchronous mask")
        return self._masker.mask(request, scope=scope, known=self._known, protocol=protocol)

    async def aclose(self) -> None:
        """Close the store."""
        if self._store is not None:
            await self._store.aclose()

    async def _mask(
        self, request: Request, scope: str, known: PIIMapping | None, protocol: str
    ) -> Masked[Request]:
        if isinstance(request, bytes) and len(request) > LARGE:
            return await asyncio.to_thread(
                self._masker.mask, request, scope=scope, known=known, protocol=protocol
            )
        return self._masker.mask(request, scope=scope, known=known, protocol=protocol)

    def __repr__(self) -> str:
        store = "None" if self._store is None else type(self._store).__name__
        return f"RoundTrip({self._masker!r}, store={store})"


async def loaded(store: Store, scope: str) -> PIIMapping:
    """What a store has of a conversation.

    :raises StoreError: it cannot tell; of a store that is not ours only the type of its error is named.
    """
    failure = ""
    try:
        return await store.load(scope)
    except (HoldbackError, TypeError):
        raise
    except Exception as error:  # noqa: BLE001 - its message may quote what it holds
        failure = type(error).__name__
    raise StoreError(f"the store cannot be used: {type(store).__name__} raised {failure}")


async def merged(store: Store, scope: str, masked: Masked[Request], ttl: float | None) -> Masked[Request]:
    """The masked request, once the store has what is new in it; if that fails, its report says so."""
    try:
        await store.merge(scope, masked.added, ttl)
    except Exception:  # noqa: BLE001 - whatever it is, the answer can be restored
        return replace(masked, report=replace(masked.report, is_stored=False))
    return masked


def both(first: PIIMapping, second: PIIMapping) -> PIIMapping:
    """The pairs of two mappings. Where both have a value, the placeholder of the first is the one that masks it."""
    both = copy.copy(second)
    for placeholder, value in first.get_all_fakes().items():
        if both.get_original(placeholder) in (None, value):
            both.add(value, placeholder, first.get_entity_type(value) or "")
    return both
