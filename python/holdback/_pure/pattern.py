"""The key set: what a mapping must look like, and its keys and originals in the order of the keys.

Twin of ``rust/core/src/pattern.rs``. Text here is a sequence of code points in which two adjacent
surrogate halves count as the one character they spell, so they are joined before anything else looks.
A half without its mate stays: an ordinary code point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import ne

from holdback.errors import MappingError

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _character(pair: re.Match[str]) -> str:
    high, low = map(ord, pair[0])
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


plain = str.__str__
"""The text of a string of any subclass, such as a member of a string enumeration, which `str` would name."""


def join_surrogates(text: str) -> str:
    """``text`` with adjacent surrogate halves joined; the very same object if there are none."""
    if text.isascii() or not _PAIR.search(text):
        return text
    return _PAIR.sub(_character, text)


class Patterns:
    """The checked keys, ascending by code point, each with its original at the same index."""

    __slots__ = ("keys", "originals")

    keys: list[str]
    originals: list[str]

    def __init__(self, pairs: Mapping[str, str]) -> None:
        if not isinstance(pairs, Mapping):
            raise TypeError(
                f"TrieMatcher() takes a mapping of placeholder to original, not {type(pairs).__name__}"
            )
        items = list(pairs.items())
        if not {type(text) for pair in items for text in pair} <= {str}:
            items = [(_plain("a placeholder", key), _plain("an original", text)) for key, text in items]
        keys, originals = _joined([key for key, _ in items]), _joined([original for _, original in items])
        found = dict(zip(keys, originals, strict=True))
        if "" in found:
            raise MappingError("a placeholder must not be empty")
        if len(found) < len(keys) and any(map(ne, map(found.__getitem__, keys), originals)):
            raise MappingError("a placeholder has two originals")
        self.keys = sorted(found)
        self.originals = [*map(found.__getitem__, self.keys)]


def _plain(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(text).__name__}")
    return plain(text)


def _joined(texts: list[str]) -> list[str]:
    """The texts with adjacent surrogate halves joined; all are looked at as one, since nearly none has any."""
    return texts if "".join(texts).isascii() else [*map(join_surrogates, texts)]
