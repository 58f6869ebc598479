"""What every store does, and what they share.

The order in which a store gives back its pairs is its own: of several placeholders of one value the longest counts as
the last that was added, so that all workers use the same.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from holdback.errors import HoldbackError, StoreError
from holdback.mapping import PIIMapping

Entry = tuple[str, str, str]
"""A placeholder, its value, and its entity type."""


@runtime_checkable
class Store(Protocol):
    """Keeps the mappings of scopes. Every method may raise ``StoreError``, which names no value.

    Merges of several workers at once lose nothing: each adds its pairs to what is there.

    >>> from holdback.stores import MemoryStore
    >>> isinstance(MemoryStore(), Store)
    True
    """

    async def merge(self, scope: str, mapping: PIIMapping, ttl: float | None = None) -> None:
        """Add the pairs of ``mapping`` to the scope; what it knew stays.

        ``ttl``: the scope is forgotten that many seconds from now; None takes the store's own, and if it has none
        leaves things as they are.
        """

    async def load(self, scope: str) -> PIIMapping:
        """What the scope knows; an empty mapping if it knows nothing."""

    async def forget(self, scope: str) -> None:
        """Remove the scope and all it knows."""

    async def aclose(self) -> None:
        """Let go of connections and files."""


class Closing:
    """A store as an asynchronous context manager."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of connections and files; a store that has none does nothing."""


def checked_scope(scope: str) -> str:
    """The scope, which every method takes."""
    if not isinstance(scope, str):
        raise TypeError(f"scope must be str, not {type(scope).__name__}")
    if not scope:
        raise StoreError("the scope must not be empty: conversations would share what they know")
    return scope


def checked_ttl(ttl: float | None) -> float | None:
    """A time to live in seconds, or None."""
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, (int, float)):
        raise TypeError(f"ttl must be a number of seconds, not {type(ttl).__name__}")
    if not (ttl > 0 and math.isfinite(ttl)):
        raise StoreError("ttl must be more than no seconds, and finite")
    return float(ttl)


def entries_of(mapping: PIIMapping) -> list[Entry]:
    """The pairs of a mapping, with their types."""
    if not isinstance(mapping, PIIMapping):
        raise TypeError(f"a store takes a PIIMapping, not {type(mapping).__name__}")
    return [
        (placeholder, value, mapping.get_entity_type(value) or "")
        for placeholder, value in mapping.get_all_fakes().items()
    ]


def mapping_of(entries: Iterable[Entry]) -> PIIMapping:
    """A mapping of these pairs, the same whatever their order; of two for one placeholder the first counts."""
    mapping = PIIMapping()
    by_placeholder: dict[str, Entry] = {}
    for entry in entries:
        by_placeholder.setdefault(entry[0], entry)
    ordered = sorted(by_placeholder.values(), key=lambda entry: (len(entry[0]), entry[0]))
    mapping._add_all((value, placeholder, entity_type) for placeholder, value, entity_type in ordered)
    return mapping


def needed(module: str, store: str, extra: str) -> Any:
    """A module of an extra.

    :raises HoldbackError: it is not installed.
    """
    top = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != top:
            raise
    raise HoldbackError(f"{store} needs {top}: pip install 'holdback[{extra}]'")
