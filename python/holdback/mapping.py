"""PIIMapping, and what else can serve as a mapping.

Three ways to say which placeholder stands for which original lead to one thing, a compiled matcher:

- a ``PIIMapping`` compiles once and keeps the matcher until the next ``add``;
- a ``TrieMatcher`` is itself;
- a plain ``{placeholder: original}`` mapping, or any object with ``get_all_fakes()`` that returns one, is
  copied and compiled for each stream, once, however many channels the stream turns out to have. Where one is given
  for many streams (``StaticMapping``) it is compiled once, and again when its pairs have changed.

Invariants: nothing is looked up by ``id()``, nothing here outlives the caller's mapping, and a running
stream keeps the matcher it started with whatever happens to the mapping meanwhile.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from holdback import _backend
from holdback._pure.pattern import join_surrogates, plain
from holdback.config import is_enabled, matches_words, spellings_of
from holdback.errors import MappingError
from holdback.spellings import spellings


class PIIMapping:
    """Which placeholder (fake) stands for which original.

    An original may have several fakes; a fake has one original. An original may be empty, a fake may not. Adjacent
    surrogate halves are joined into their character on the way in.

    Threads may read while one adds: a reader sees the mapping before or after it. ``repr`` shows a count
    only, and pickling is refused: a mapping holds personal data.

    >>> mapping = PIIMapping()
    >>> mapping.add("Ada Lovelace", "<PERSON_1>", "PERSON")
    >>> mapping.get_original("<PERSON_1>"), mapping.get_fake("Ada Lovelace"), mapping.count
    ('Ada Lovelace', '<PERSON_1>', 1)
    """

    __slots__ = ("__weakref__", "_entity_types", "_fakes", "_lock", "_matchers", "_originals")

    def __init__(self) -> None:
        self._originals: dict[str, str] = {}  # fake -> original
        self._fakes: dict[str, str] = {}  # original -> its last fake
        self._entity_types: dict[str, str] = {}  # original -> type
        self._matchers: dict[Any, _backend.TrieMatcher] = {}  # what was compiled since the last change
        self._lock = Lock()

    def add(self, original: str, fake: str, entity_type: str) -> None:
        """Let ``fake`` stand for ``original``, which is of ``entity_type``. The same pair again changes nothing.

        :raises TypeError: one of them is no ``str``.
        :raises MappingError: ``fake`` is empty, or stands for another original already.
        """
        original, fake = _text("original", original), _text("fake", fake)
        entity_type = _text("entity_type", entity_type)
        if not fake:
            raise MappingError("a placeholder must not be empty")
        self._add_all(((original, fake, entity_type),))

    def _add_all(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """Add several, each as ``add`` would after its checks of types."""
        with self._lock:
            originals, fakes, entity_types = self._originals, self._fakes, self._entity_types
            before = len(originals)
            try:
                for original, fake, entity_type in entries:
                    known = originals.get(fake)
                    if known == original:
                        continue
                    if known is not None:
                        raise MappingError("a placeholder has two originals")
                    originals[fake] = original
                    fakes[original] = fake
                    entity_types[original] = entity_type
            finally:
                if len(originals) != before:
                    self._matchers = {}

    @classmethod
    def _of(cls, originals: dict[str, str], entity_types: Mapping[str, str]) -> PIIMapping:
        """A new one of ``{fake: original}``, in which each original is there once, and their types."""
        mapping = cls()
        mapping._originals = originals
        mapping._fakes = dict(zip(originals.values(), originals, strict=True))
        mapping._entity_types = dict(entity_types)
        return mapping

    def get_fake(self, original: str) -> str | None:
        """The fake that was last added for ``original``; None if there is none."""
        return self._fakes.get(_text("original", original))

    def get_original(self, fake: str) -> str | None:
        """The original that ``fake`` stands for; None if it stands for none."""
        return self._originals.get(_text("fake", fake))

    def get_all_fakes(self) -> dict[str, str]:
        """A copy of the whole mapping, ``{fake: original}``, in the order of adding."""
        with self._lock:
            return dict(self._originals)

    def get_entity_type(self, original: str) -> str | None:
        """The type that came with the last fake of ``original``; None if it was never added."""
        return self._entity_types.get(_text("original", original))

    @property
    def count(self) -> int:
        """How many originals it holds, each counted once however many fakes it has."""
        return len(self._fakes)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added yet."""
        return not self._originals

    def matcher(self, config: object = None) -> _backend.TrieMatcher:
        """The compiled mapping as it is now: built by the first call after an ``add``, O(1) otherwise.

        With ``config`` it has the spellings and the whole words that the config asks for, each compiled once.
        """
        options = _options(config)
        matcher = self._matchers.get(options)
        if matcher is not None:
            return matcher
        with self._lock:
            if options not in self._matchers:
                self._matchers = {**self._matchers, options: _compiled(self._originals, options)}
            return self._matchers[options]

    def _has(self, matcher: _backend.TrieMatcher) -> bool:
        """Whether nothing was added since that was compiled."""
        with self._lock:
            return any(one is matcher for one in self._matchers.values())

    def __copy__(self) -> PIIMapping:
        copy = PIIMapping()
        with self._lock:
            copy._originals = dict(self._originals)
            copy._fakes = dict(self._fakes)
            copy._entity_types = dict(self._entity_types)
            copy._matchers = self._matchers  # never changed in place, so it can be shared
        return copy

    def __deepcopy__(self, _: object) -> PIIMapping:
        return self.__copy__()

    def __repr__(self) -> str:
        return f"PIIMapping(count={self.count})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIIMapping holds personal data and is not pickled")


_Options = tuple[tuple[str, ...], bool]
"""The forms of spelling, and whether words are whole."""


def _options(config: object) -> _Options:
    return ((), False) if config is None else (spellings_of(config), matches_words(config))


def _compiled(pairs: Mapping[str, str], options: _Options) -> _backend.TrieMatcher:
    forms, words = options
    return _backend.TrieMatcher(spellings(pairs, forms) if forms else pairs, words=words)


def _text(name: str, value: str) -> str:
    """An argument, as its plain text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {type(value).__name__}")
    return join_surrogates(plain(value))


class HasFakes(Protocol):
    """A mapping of another project that can list its pairs as ``{fake: original}``."""

    def get_all_fakes(self) -> Mapping[str, str]: ...


class Prepared:
    """A mapping as it was when a restorer began: its matcher, and the types of its originals."""

    __slots__ = ("mapping", "matcher")

    def __init__(self, mapping: Any, matcher: _backend.TrieMatcher) -> None:
        self.matcher = matcher
        self.mapping = mapping

    def has_its_types(self) -> bool:
        """Whether the types are still those that there were when the matcher was compiled. Those of another project may
        change at any time.
        """
        if isinstance(self.mapping, PIIMapping):
            return self.mapping._has(self.matcher)
        return self._get_type() is None

    def _get_type(self) -> Callable[[str], object] | None:
        mapping = self.mapping.given if isinstance(self.mapping, StaticMapping) else self.mapping
        get: Callable[[str], object] | None = getattr(mapping, "get_entity_type", None)
        return get if callable(get) and not isinstance(mapping, type) else None

    def types(self) -> dict[str, str]:
        """The types of the originals, also as they are spelled for HTML and for addresses."""
        mapping, get = self.mapping, self._get_type()
        if get is None:
            return {}
        if isinstance(mapping, PIIMapping):
            named: Iterable[tuple[str, object]] = list(mapping._entity_types.items())
        else:
            named = [
                (original, get(original)) for original in {original for _, original in self.matcher._pairs()}
            ]
        types = {original: name for original, name in named if isinstance(name, str)}
        for original, name in list(types.items()):
            types.setdefault(html.escape(original), name)
            types.setdefault(quote(original, safe="", errors="surrogatepass"), name)
        return types

    def __len__(self) -> int:
        return len(self.matcher)

    def __repr__(self) -> str:
        return f"Prepared(keys={len(self.matcher)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a prepared mapping holds originals and is not pickled")


_KINDS = "a PIIMapping, a TrieMatcher, an object with get_all_fakes() or a mapping of placeholder to original"
AnyMapping = PIIMapping | Prepared | _backend.TrieMatcher | HasFakes | Mapping[str, str]
"""What can be given wherever a mapping is taken; ``None`` as well, for no mapping at all."""


def matcher_of(mapping: AnyMapping | None, config: object = None) -> _backend.TrieMatcher | None:
    """The matcher of any kind of mapping, as ``config`` wants it; None if there is nothing to restore.

    Compiles at most once, and not at all for a ``TrieMatcher``, which is used as it is, or an unchanged ``PIIMapping``.
    """
    if mapping is None:
        return None
    if isinstance(mapping, Prepared):
        return mapping.matcher
    if isinstance(mapping, PIIMapping):
        return None if mapping.is_empty else mapping.matcher(config)
    if isinstance(mapping, _backend.MATCHER_TYPES):
        return mapping if len(mapping) else None  # type: ignore[arg-type, return-value]
    if isinstance(mapping, StaticMapping):
        return mapping.matcher()
    snapshot = _snapshot(mapping)
    return _compiled(snapshot, _options(config)) if snapshot else None


def _snapshot(mapping: AnyMapping) -> dict[str, str]:
    """A copy of the pairs of a plain mapping, or of an object with ``get_all_fakes()``."""
    pairs = mapping
    if callable(get_all_fakes := getattr(mapping, "get_all_fakes", None)) and not isinstance(mapping, type):
        pairs = get_all_fakes()
        if not isinstance(pairs, Mapping):
            raise TypeError(f"get_all_fakes() must return a mapping, not {type(pairs).__name__}")
    if not isinstance(pairs, Mapping):
        raise TypeError(f"a mapping is {_KINDS}, not {type(mapping).__name__}")
    return dict(pairs)


class StaticMapping:
    """A plain mapping that is given once, for many streams: compiled when this is made, and again after a change.

    :param mapping: a mapping of placeholder to original, or an object with ``get_all_fakes()``.
    :param config: what it is compiled for.
    :raises TypeError: it is no mapping, or one of its texts is no ``str``.
    :raises MappingError: it cannot be compiled.
    """

    __slots__ = ("_compiled", "_config", "given")

    def __init__(self, mapping: AnyMapping, config: object = None) -> None:
        self.given = mapping
        self._config = config
        self._compiled: tuple[dict[str, str], _backend.TrieMatcher | None] = self._compile(_snapshot(mapping))

    def get_all_fakes(self) -> dict[str, str]:
        """The pairs as they are now."""
        return _snapshot(self.given)

    def matcher(self) -> _backend.TrieMatcher | None:
        """The compiled mapping as it is now; None if it is empty."""
        pairs, matcher = self._compiled
        now = _snapshot(self.given)
        if now != pairs:
            self._compiled = now, matcher = self._compile(now)
        return matcher

    def _compile(self, pairs: dict[str, str]) -> tuple[dict[str, str], _backend.TrieMatcher | None]:
        return pairs, _compiled(pairs, _options(self._config)) if pairs else None

    def __repr__(self) -> str:
        return "StaticMapping()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a mapping holds personal data and is not pickled")


def static_mapping(mapping: AnyMapping | None, config: object = None) -> AnyMapping | None:
    """A mapping for many streams, checked and compiled now, so that what is wrong with it shows before the first one.

    With a config that is switched off it is checked all the same.
    """
    if mapping is None or isinstance(mapping, _backend.MATCHER_TYPES):
        return mapping
    if isinstance(mapping, PIIMapping):
        matcher_of(mapping, config)
        return mapping
    return StaticMapping(mapping, config)


def prepared_for(mapping: AnyMapping | None, config: object) -> Prepared | None:
    """What to restore with; None if there is nothing to restore or ``config`` switches it off."""
    if isinstance(mapping, Prepared):
        return mapping if config is None or is_enabled(config) else None
    matcher = matcher_for(mapping, config)
    return None if matcher is None else Prepared(mapping, matcher)


def matcher_for(mapping: AnyMapping | None, config: object) -> _backend.TrieMatcher | None:
    """The matcher to restore with; None if there is nothing to restore or ``config`` switches it off. None is on."""
    return matcher_of(mapping, config) if config is None or is_enabled(config) else None
