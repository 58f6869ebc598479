"""The channels of a stream, for the judge: what was said in each, and what of it must have left when.

``SETTLED`` stands in a text where what was held had to leave: no match reaches over it. The oracles take it for a
character that no key has, and it is taken out of what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import oracle
from json_oracle import SETTLED, JsonOracle
from wire_formats import Key
from wire_json import Path

Instance = tuple[Key, int]
"""A channel: its key, and how many of that key were closed before."""


def size(text: str) -> int:
    """In UTF-16 units: the same whether halves of a pair came together or not."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Restored:
    """What the oracles say of texts, for one mapping."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        assert not any(SETTLED in text for pair in pairs.items() for text in pair)
        self.pairs = pairs
        self.json = JsonOracle(pairs)

    def whole(self, text: str, *, source: bool) -> str:
        if source:
            return oracle.join_halves(self.json.restore(text).replace(SETTLED, ""))
        return oracle.join_halves("".join(oracle.restore(self.pairs, one) for one in text.split(SETTLED)))

    def left(self, text: str, *, source: bool) -> tuple[str, bool]:
        """What has left of a text that goes on, and whether something is held."""
        if source:
            out, held = self.json.emitted(text)
            return out.replace(SETTLED, ""), bool(held)
        settled, border, rest = text.rpartition(SETTLED)
        out, held = self.json.emitted_of_text(rest)
        return (self.whole(settled, source=False) if border else "") + out, bool(held)

    def so_far(self, text: str, *, source: bool) -> tuple[int, bool]:
        """How much of it has left, and whether something is held."""
        out, is_held = self.left(text, source=source)
        return size(out), is_held


class Slot(NamedTuple):
    """A place where text of a channel stands, or (no instance) a whole value."""

    text: str
    source: bool
    instance: Instance | None
    is_held: bool = False
    """Whether, if nothing of it leaves, it is held back, and not restored to nothing."""


class Channels:
    """What a reader tells of one stream, event by event."""

    def __init__(self) -> None:
        self.texts: dict[Instance, str] = {}
        self.is_source: dict[Instance, bool] = {}
        self.open: dict[Key, Instance] = {}
        self.slots: dict[Path, Slot] = {}  # of this event
        self.touched: set[Instance] = set()
        self._closed: dict[Key, int] = {}

    def begin_event(self) -> None:
        self.slots = {}
        self.touched = set()

    def text(self, key: Key, path: Path, text: str, *, source: bool = False) -> None:
        if key not in self.open and not text:
            self.slots[path] = Slot(text, source, (key, -1))
            return
        instance = self.open.setdefault(key, (key, self._closed.get(key, 0)))
        self.texts[instance] = self.texts.get(instance, "") + text
        self.is_source[instance] = source
        self.slots[path] = Slot(text, source, instance)
        self.touched.add(instance)

    def whole(self, path: Path, *, source: bool = False) -> None:
        self.slots[path] = Slot("", source, None)

    def end(self, which: Callable[[Key], bool], *, closes: bool = False) -> None:
        for key in [key for key in self.open if which(key)]:
            instance = self.open[key]
            if not self.texts[instance].endswith(SETTLED):
                self.texts[instance] += SETTLED
                self.touched.add(instance)
            if closes:
                del self.open[key]
                self._closed[key] = self._closed.get(key, 0) + 1

    def said(self) -> dict[Instance, str]:
        """Every text as a client joins it."""
        return {key: oracle.join_halves(text.replace(SETTLED, "")) for key, text in self.texts.items()}
