"""What the two walks hand texts to: one collects them, the other puts placeholders where values stand."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from holdback import _backend
from holdback._pure.pattern import join_surrogates
from holdback.mapping import PIIMapping
from holdback.masking import _source
from holdback.masking._source import Number
from holdback.masking.known import spellings_of
from holdback.masking.placeholders import bare

_SEPARATORS = re.compile("[_.-]+")
_NO_NAME = re.compile("[^A-Za-z0-9]+")


@dataclass(slots=True, repr=False)
class Read:
    """What was read of a request."""

    found: Collection[str]
    """Its texts, in order."""

    names: Collection[str]
    """Names of members of objects of which nothing is known: they may be values, but more likely are the provider's
    own. So only values that are known are looked for in them."""

    numbers: Collection[str]
    """Numbers in documents, of which only the whole may be a value."""

    escapes: bool
    """Whether a backslash stands in some text."""

    read: int
    """How many texts were looked at."""

    hits: set[int] | None = None
    """By their numbers the texts, and behind them the names, in which something is to be masked: if that is known,
    there is nothing to mask in the others."""

    def __repr__(self) -> str:
        return f"Read(texts={self.read})"


class Collector:
    """Collects the texts of a request, each once, in order."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._names: dict[str, None] = {}
        self._numbers: dict[str, None] = {}
        self._escapes = False
        self._count = 0

    def read(self) -> Read:
        """What was collected."""
        return Read(self._found, self._names, self._numbers, self._escapes, self._count)

    def text(self, text: str) -> str:
        self._count += 1
        self._escapes = self._escapes or "\\" in text
        self._found[join_surrogates(text)] = None
        return text

    def source(self, text: str) -> str:
        for inner in _source.strings(text):
            self._found[inner] = None
        return self.text(text)

    def person(self, name: str) -> str:
        self.text(name)
        self._found[_SEPARATORS.sub(" ", name)] = None  # as the person would be written elsewhere
        return name

    def key(self, name: str, *, is_data: bool) -> str:
        if is_data:
            return self.text(name)
        self._escapes = self._escapes or "\\" in name
        self._names[join_surrogates(name)] = None
        return name

    def number(self, spelling: Number) -> None:
        self._numbers |= dict.fromkeys(spelling.spellings())


class Writer:
    """Puts placeholders where values stand."""

    def __init__(self, mapping: PIIMapping, read: Read) -> None:
        self.masked = 0
        fakes = mapping.get_all_fakes()
        values = {value: mapping.get_fake(value) or "" for value in fakes.values() if value}
        pairs = dict(values)
        if read.escapes:  # else no text quotes JSON in which a value is spelled another way
            for value, placeholder in values.items():
                for spelling in spellings_of(value):
                    pairs.setdefault(spelling, placeholder)
        known = mapping.matcher()  # compiled for the way back as well
        # What is new is spelled <…>; so where nothing was known before, most texts need no second look.
        texts = [*read.found, *read.names]
        if read.hits is not None:
            texts = [text for text in texts if "<" in text]
        if any(known.replace(text) is not text for text in texts):
            pairs |= {
                placeholder: placeholder for placeholder in fakes
            }  # one of ours that stands there stays
        self._values = values
        self._matcher = _backend.TrieMatcher(pairs)
        self._people: _backend.TrieMatcher | None = None

    def text(self, text: str) -> str:
        new = self._matcher.replace(text)
        self.masked += new is not text
        return new

    def source(self, text: str) -> str:
        new = self._matcher.replace(text, json=True)
        self.masked += new is not text
        return new

    def key(self, name: str, *, is_data: bool) -> str:  # noqa: ARG002 - masked either way
        return self.text(name)

    def person(self, name: str) -> str:
        if self._people is None:
            people: dict[str, str] = {}
            for value, placeholder in self._values.items():
                people[value] = bare(placeholder)
            for value, placeholder in self._values.items():
                for separator in ("_", "-", ".", ""):
                    if spelling := _NO_NAME.sub(separator, value):
                        people.setdefault(spelling, bare(placeholder))
            people |= {name: name for name in list(people.values())}
            self._people = _backend.TrieMatcher(people)
        new = self._people.replace(name)
        self.masked += new is not name
        return new

    def number(self, spelling: Number) -> str | None:
        for text in spelling.spellings():
            if (placeholder := self._values.get(text)) is not None:
                self.masked += 1
                return placeholder
        return None
