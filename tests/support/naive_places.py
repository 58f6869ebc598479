"""A text restored the simple way, with its places minded: what the engine is to do, in a few lines.

Placeholders are found leftmost-longest in the whole text. Before each value the places are asked; what is sent, value
or placeholder, they are fed in any pieces.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol


class AnyPlaces(Protocol):
    """Either twin."""

    def feed(self, text: str, /) -> None: ...
    def keeps(self, value: str, /) -> bool: ...


class CopiedPlaces(AnyPlaces, Protocol):
    """Either twin, of a text that others may go on with."""

    def copy(self) -> CopiedPlaces: ...


class Restored(NamedTuple):
    text: str
    kept: int


def restore(
    text: str, mapping: Mapping[str, str], places: AnyPlaces | None, *, cuts: random.Random | None = None
) -> Restored:
    """``text`` as it is sent. Without places everything is restored; ``cuts`` cuts what they are fed."""
    keys = sorted(mapping, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, keys)) + ")", text)
    sent, kept = [], 0
    for number, part in enumerate(parts):
        is_key = number % 2 == 1
        if is_key and places is not None and places.keeps(mapping[part]):
            kept += 1
            is_key = False
        sent.append(mapping[part] if is_key else part)
        if places is not None:
            feed(places, sent[-1], cuts)
    return Restored("".join(sent), kept)


def restore_blocks(
    text: str,
    border: str,
    mapping: Mapping[str, str],
    places: CopiedPlaces,
    *,
    cuts: random.Random | None = None,
) -> Restored:
    """The same of content blocks: each begins in the place where the last one stopped, in places of its own."""
    sent, kept = [], 0
    for block in text.split(border):
        places = places.copy()
        restored = restore(block, mapping, places, cuts=cuts)
        sent.append(restored.text)
        kept += restored.kept
    return Restored("".join(sent), kept)


def restore_json(
    source: str,
    mapping: Mapping[str, str],
    as_text: AnyPlaces,
    as_json: AnyPlaces,
    *,
    cuts: random.Random | None,
) -> Restored:
    """JSON content: the source may be shown as it is, and so may each of its strings. Either keeps."""
    parts = re.split("(" + "|".join(map(re.escape, sorted(mapping, key=len, reverse=True))) + ")", source)
    sent, kept = [], 0
    for number, part in enumerate(parts):
        is_key = number % 2 == 1
        if is_key and (as_text.keeps(mapping[part]) or as_json.keeps(mapping[part])):
            kept += 1
            is_key = False
        sent.append(json.dumps(mapping[part])[1:-1] if is_key else part)
        feed(as_text, sent[-1], cuts)
        feed(as_json, sent[-1], cuts)
    return Restored("".join(sent), kept)


def feed(places: AnyPlaces, text: str, cuts: random.Random | None) -> None:
    if cuts is None:
        places.feed(text)
        return
    borders = sorted(cuts.randrange(len(text) + 1) for _ in range(cuts.randrange(4)))
    for start, end in zip([0, *borders], [*borders, len(text)], strict=True):
        places.feed(text[start:end])
