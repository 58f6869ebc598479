"""The channels of a stream, for the judge: what was said in each, and what of it must have left when.

``SETTLED`` stands in a text where what was held had to leave: no match reaches over it. The oracles take it for a
character that no key has, and it is taken out of what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import oracle
from json_oracle import SETTLED, JsonOracle
from wire_content import is_document, parts
from wire_formats import CONTENT, Key, Source
from wire_json import Path

Instance = tuple[Key, int]
"""A channel: its key, and how many of that key were closed before."""


def size(text: str) -> int:
    """In UTF-16 units: the same whether halves of a pair came together or not."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Restored:
    """What the oracles say of texts, for one mapping; ``content`` is what content is: "auto", "text" or "json"."""

    def __init__(self, pairs: Mapping[str, str], content: str = "auto") -> None:
        assert not any(SETTLED in text for pair in pairs.items() for text in pair)
        assert content in ("auto", "text", "json")
        self.pairs = pairs
        self.content = content
        self.json = JsonOracle(pairs)

    def whole(self, text: str, *, source: Source) -> str:
        if self._is_source(text, source):
            return oracle.join_halves(self.json.restore(text).replace(SETTLED, ""))
        pieces = [one for part in self._texts(text, source) for one in part.split(SETTLED)]
        return oracle.join_halves("".join(oracle.restore(self.pairs, one) for one in pieces))

    def left(self, text: str, *, source: Source) -> tuple[str, bool]:
        """What has left of a text that goes on, and whether something is held."""
        if self._is_source(text, source):
            out, held = self.json.emitted(text)
            return out.replace(SETTLED, ""), bool(held)
        *before, last = self._texts(text, source)
        settled, border, rest = last.rpartition(SETTLED)
        out, held = self.json.emitted_of_text(rest)
        done = "".join(self.whole(part, source=False) for part in [*before, *([settled] if border else [])])
        return done + out, bool(held)

    def _is_source(self, text: str, source: Source) -> bool:
        """Whether a text is JSON source, by what has come of it."""
        if source != CONTENT:
            return bool(source)
        if self.content == "auto":
            return is_document(text, self.pairs)
        return self.content == "json"

    def _texts(self, text: str, source: Source) -> list[str]:
        """Text in the parts that no match reaches over."""
        return parts(text) if source == CONTENT and self.content == "auto" else [text]

    def so_far(self, text: str, *, source: Source) -> tuple[int, bool]:
        """How much of it has left, and whether something is held."""
        out, is_held = self.left(text, source=source)
        return size(out), is_held


class Slot(NamedTuple):
    """A place where text of a channel stands, or (no instance) a whole value."""

    text: str
    source: Source
    instance: Instance | None
    is_held: bool = False
    """Whether, if nothing of it leaves, it is held back, and not restored to nothing."""


class Channels:
    """What a reader tells of one stream, event by event."""

    def __init__(self) -> None:
        self.texts: dict[Instance, str] = {}
        self.is_source: dict[Instance, Source] = {}
        self.open: dict[Key, Instance] = {}
        self.slots: dict[Path, Slot] = {}  # of this event
        self.touched: set[Instance] = set()
        self._closed: dict[Key, int] = {}

    def begin_event(self) -> None:
        self.slots = {}
        self.touched = set()

    def text(self, key: Key, path: Path, text: str, *, source: Source = False) -> None:
        instance = self.open.setdefault(key, (key, self._closed.get(key, 0)))
        self.texts[instance] = self.texts.get(instance, "") + text
        self.is_source[instance] = source
        self.slots[path] = Slot(text, source, instance)
        self.touched.add(instance)

    def whole(self, path: Path, *, source: Source = False) -> None:
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
