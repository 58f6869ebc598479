"""Few: a dict that most often has one entry, and takes a quarter of a dict's memory then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Few(Generic[K, V]):
    """Entries in the order in which they came. No value is None.

    >>> few = Few()
    >>> few["a"] = 1
    >>> few.get("a"), few.get("b"), list(few.items())
    (1, None, [('a', 1)])
    """

    __slots__ = ("_all", "_key", "_value")

    _key: K

    def __init__(self) -> None:
        self._value: V | None = None  # the one entry's, until there are more
        self._all: dict[K, V] | None = None  # once there were more

    def get(self, key: K) -> V | None:
        """The value of a key; None if there is none."""
        if self._all is not None:
            return self._all.get(key)
        return self._value if self._value is not None and self._key == key else None

    def __setitem__(self, key: K, value: V) -> None:
        if self._all is not None:
            self._all[key] = value
        elif self._value is None or self._key == key:
            self._key, self._value = key, value
        else:
            self._all = {self._key: self._value, key: value}
            self._value = None

    def __getitem__(self, key: K) -> V:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def pop(self, key: K) -> V | None:
        """Take an entry out; returns its value, None if there is none."""
        value = self.get(key)
        if value is None:
            return None
        if self._all is not None:
            del self._all[key]
        else:
            self._value = None
        return value

    def clear(self) -> None:
        """Take all entries out."""
        self._value = self._all = None

    def items(self) -> Iterable[tuple[K, V]]:
        """The keys with their values."""
        if self._all is not None:
            return self._all.items()
        return () if self._value is None else ((self._key, self._value),)

    def __iter__(self) -> Iterator[K]:
        return iter([key for key, _ in self.items()])

    def values(self) -> Iterable[V]:
        """The values."""
        return [value for _, value in self.items()]

    def __len__(self) -> int:
        return len(self._all) if self._all is not None else int(self._value is not None)
