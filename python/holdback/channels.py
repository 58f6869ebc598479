"""Channels: the independent texts inside one answer, a buffer for each.

A buffer is made when the first text of its channel arrives; all share one immutable matcher.
"""

from __future__ import annotations

import re
from typing import Any

from holdback import _backend

Key = tuple[Any, Any]
"""What a channel goes by: its group, such as the choice, and its name there."""

FEW = 8
"""How many channels ``at_rest`` looks at: an ordinary answer has no more."""


def natural(key: Key) -> str:
    """Sorts keys of any kind, numbers by their value."""
    return re.sub(r"\d+", lambda number: number[0].zfill(12), repr(key))


class Channels:
    """The open text streams of one answer, by group and name."""

    __slots__ = ("_sources", "matcher", "streams")

    def __init__(self, matcher: _backend.TrieMatcher) -> None:
        self.matcher = matcher
        self._sources: set[Key] = set()  # the channels of JSON source
        self.streams: dict[Any, dict[Any, _backend.StreamBuffer]] = {}

    def feed(self, key: Key, text: str, *, json: bool = False) -> str:
        """Feed a channel, opening it if need be; ``json`` says that its text is JSON source."""
        group, name = key
        streams = self.streams.setdefault(group, {})
        stream = streams.get(name)
        if stream is None:
            stream = streams[name] = self.matcher.stream(json=json)
            if json:
                self._sources.add(key)
        return stream.feed(text)

    def stream_of(self, key: Key) -> _backend.StreamBuffer:
        """The buffer of an open channel."""
        group, name = key
        return self.streams[group][name]

    def holds(self, key: Key) -> bool:
        """Whether a channel holds text back."""
        group, name = key
        stream = self.streams.get(group, {}).get(name)
        return stream is not None and bool(stream.pending)

    def end(self, key: Key) -> str:
        """Close a channel, if it is open; returns its tail."""
        group, name = key
        streams = self.streams.get(group, {})
        stream = streams.pop(name, None)
        if stream is None:
            return ""
        if not streams:  # an endless stream may go on to ever new groups
            del self.streams[group]
        self._sources.discard(key)
        return stream.flush()

    def at_rest(self, *, besides: _backend.StreamBuffer | None = None) -> bool:
        """Whether text without the beginning of a placeholder would pass through every channel unchanged.

        One channel of plain text may be left out of account. May say no without need: it looks at a few channels only,
        so that it costs the same for any number.
        """
        if self._sources or len(self.streams) > FEW:
            return False
        for group in self.streams.values():
            if len(group) > FEW:
                return False
            for stream in group.values():
                if stream is not besides and stream.pending:
                    return False
        return True

    def keys_of(self, group: Any) -> list[Key]:
        """The open channels of a group, in an order that does not depend on when they opened."""
        return sorted(((group, name) for name in self.streams.get(group, ())), key=natural)

    def drain(self) -> list[tuple[Key, str]]:
        """Close every channel; returns the tails that are not empty, each with its key, in the same order."""
        keys = sorted(
            ((group, name) for group, streams in self.streams.items() for name in streams), key=natural
        )
        tails = [(key, self.end(key)) for key in keys]
        self.streams.clear()
        return [(key, tail) for key, tail in tails if tail]

    def replace(self, text: str, *, json: bool = False) -> str:
        """Restore a whole value that belongs to no channel; ``json`` says that it is JSON source."""
        return self.matcher.replace(text, json=json)
