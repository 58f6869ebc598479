"""What the settings make: the key, the detectors, the masker, the store, the config of restoring.

Nothing here is made twice in a process, and nothing is made that the settings do not ask for: a library of a detector
or a store is imported when it is named.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from holdback._keys import key_in
from holdback.config import DeanonymizationConfig
from holdback.errors import MappingError
from holdback.gateway.settings import Settings, SettingsError
from holdback.integrations.presidio import PresidioDetector
from holdback.masking import (
    Detector,
    KnownValues,
    Masker,
    Pattern,
    Patterns,
    Placeholders,
    RoundTrip,
)
from holdback.pairs import members_in
from holdback.policy import RestorePolicy
from holdback.stores import MemoryStore
from holdback.stores.addresses import SERVERS, store_at
from holdback.stores.base import Store

_MARK = re.compile(r"[<\[{(«]+(.*?)[>\])}»]+", re.DOTALL)
_NUMBER = re.compile(r"[_-]?[a-z0-9]*\Z")

Say = Callable[[str], None]
"""Takes a line for the operator."""


class Parts(NamedTuple):
    """What a gateway works with."""

    trip: RoundTrip
    config: DeanonymizationConfig
    store: Store | None


def parts_of(settings: Settings, say: Say) -> Parts:
    """All parts.

    :raises HoldbackError: a part cannot be made; the message names it.
    """
    keys = _keys(settings, say)
    store = _store(settings, keys, say)
    masker = Masker(_detectors(settings, say), Placeholders(keys[0]))
    config = _config(settings)
    Masker.check_config(config)
    return Parts(RoundTrip(masker, store, ttl=settings.ttl), config, store)


# ---------------------------------------------------------------- the key


def _keys(settings: Settings, say: Say) -> list[bytes]:
    """The key, and behind it those that were used before."""
    if settings.key is not None:
        key = key_in(settings.key.get_secret_value(), "key")
    elif settings.key_file is not None:
        key = key_in(_read(settings.key_file, "key_file", say).decode("latin-1"), "key_file")
    elif settings.state is not None:
        key = _kept_key(settings.state, say)
    else:
        key = secrets.token_bytes(32)
        say("key: made for this run, in memory; placeholders change at the next start (--state DIR keeps it)")
    return [key, *(key_in(old.get_secret_value(), "other_keys") for old in settings.other_keys)]


def _kept_key(state: Path, say: Say) -> bytes:
    """The key in the folder ``state``; it is made once, and only its owner may read it."""
    path = state / "key"
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(file, "w", encoding="ascii") as new:
                new.write(secrets.token_hex(32) + "\n")
            say(f"key: made and kept in {path}")
    except OSError as error:
        problem = error.strerror
    else:
        return key_in(_read(path, "state", say).decode("latin-1"), f"the file {path}")
    raise SettingsError(f"state cannot be used: {problem}")


def _read(path: Path, setting: str, say: Say) -> bytes:
    """The bytes of a file with secrets in it; the operator is told if others can read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read()
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not a path"
    else:
        if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o044:
            say(f"warning: other users can read {path} (mode {stat.S_IMODE(mode):03o}): chmod 600 it")
        return data
    raise SettingsError(f"{setting} cannot be read: {problem}")


# ---------------------------------------------------------------- detectors


def _detectors(settings: Settings, say: Say) -> list[Detector]:
    detectors: list[Detector] = []
    if settings.values is not None:
        detectors.append(KnownValues(values_in(_read(settings.values, "values", say), f"{settings.values}")))
    if settings.patterns:
        patterns = {
            kind: Pattern(given) if isinstance(given, str) else Pattern(given.expression, given.check)
            for kind, given in settings.patterns.items()
        }
        # Clients choose the texts: an expression that can be made to hang would stop the gateway.
        detectors.append(Patterns(patterns, engine="re2"))
    if settings.presidio is not None:
        detectors.append(_presidio(settings))
    return detectors


def _presidio(settings: Settings) -> Detector:
    given = settings.presidio
    assert given is not None  # noqa: S101 - the caller asked
    try:
        module = import_module("presidio_analyzer")
    except ModuleNotFoundError as error:
        if error.name != "presidio_analyzer":
            raise
        module = None
    if module is None:
        raise SettingsError("presidio needs presidio-analyzer: pip install 'holdback[presidio]'")
    engine = module.AnalyzerEngine
    if given.config is not None:
        engine = module.AnalyzerEngineProvider(analyzer_engine_conf_file=str(given.config)).create_engine
    options: dict[str, Any] = {"entities": given.entities, "score_threshold": given.score_threshold}
    named = {name: value for name, value in options.items() if value is not None}
    return PresidioDetector(engine(), language=given.language, **named)


def values_in(source: bytes, name: str) -> dict[str, str]:
    """``{value: entity type}`` of a JSON file ``{entity type: [value, …]}``.

    A map as ``holdback restore`` takes it, ``{placeholder: value}``, does as well: its placeholders say the types.

    :raises MappingError: it is neither; the message names the place.

    >>> values_in(b'{"PERSON": ["Ada", "Bo"], "CITY": ["Bath"]}', "the file")
    {'Ada': 'PERSON', 'Bo': 'PERSON', 'Bath': 'CITY'}
    >>> values_in(b'{"<PERSON_1>": "Ada"}', "the file")
    {'Ada': 'PERSON'}
    """
    values: dict[str, str] = {}
    for number, (kind, given) in enumerate(members_in(source, name, "{entity type: [value, …]}"), 1):
        for entity_type, value in _entry(kind, given, f"entry {number} of {name}"):
            values.setdefault(value, entity_type)
    return values


def _entry(kind: str, given: Any, place: str) -> Iterator[tuple[str, str]]:
    if type(given) is list:  # an object is a list of members here
        if not all(isinstance(value, str) and value.strip() for value in given):
            raise MappingError(f"{place} is a list of texts that are not empty")
        yield from ((kind, value) for value in given)
    elif isinstance(given, str) and (mark := _MARK.fullmatch(kind)):
        if given.strip():
            yield _NUMBER.sub("", mark[1]) or "VALUE", given
    else:
        raise MappingError(
            f"{place} is neither a type with a list of values nor a placeholder with its value"
        )


# ---------------------------------------------------------------- store and config


def _store(settings: Settings, keys: list[bytes], say: Say) -> Store | None:
    address = settings.store_address
    is_server = address.partition(":")[0] in SERVERS
    if is_server and settings.key is None and settings.key_file is None and settings.state is None:
        raise SettingsError(
            "a store on a server needs a key that lasts: set key_file, or state for one machine"
        )
    store = store_at(address, keys, ttl=settings.ttl, timeout=settings.timeouts.store)
    if store is None:
        say(
            "store: none; what the provider keeps of a conversation is restored only as far as a request repeats it"
        )
    elif isinstance(store, MemoryStore):
        say("store: in the memory of this process; it is gone at its end")
    else:
        say(f"store: {'a Redis server' if is_server else 'a SQLite file of this machine'}")
    return store


def _config(settings: Settings) -> DeanonymizationConfig:
    given = {name: getattr(settings, name) for name in ("spellings", "words", "unknown")}
    if settings.policy is not None:
        given["policy"] = RestorePolicy(**settings.policy)
    return DeanonymizationConfig(**given)
