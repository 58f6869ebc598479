"""The channels of a stream that are open, as ``Answer`` tells a lane of them.

A lane is a short cut past a format: events that feed open channels and do nothing else need no steps. ``Answer`` says
which channels are open, what text leads to them, which channels end with it, and what says nothing any more. This is
what the lanes written in Python have in common; ``rust/core/src/wire/channels.rs`` is the twin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from holdback import _backend

Registered = tuple[int, tuple[Any, ...]]
"""The number of a slot, and the addresses of a mark of it."""

Fed = list[tuple[str, bool]]
"""What leaves in place of each text, and whether its channel held something back when it was fed."""


_NONE: Final[frozenset[int]] = frozenset()
"""Most channels end no other, and share this."""


class OpenChannels:
    """What is known of a stream's channels."""

    __slots__ = ("_channels", "_known", "_latest", "_opened", "_registered")

    def __init__(self) -> None:
        self._channels: dict[int, Channel] = {}
        self._opened = 0
        self._registered: dict[Registered, int] = {}
        self._known: set[Registered] = set()
        self._latest: dict[int, tuple[Any, bool]] = {}

    def open(self, buffer: _backend.StreamBuffer) -> int:
        """A channel whose text this buffer restores; returns its number."""
        self._opened += 1
        self._channels[self._opened] = Channel(buffer)
        return self._opened

    def register(self, channel: int, slot: int, addresses: tuple[Any, ...]) -> None:
        """Text of the slot with these addresses is fed to the channel, and to no other any more."""
        key = slot, addresses
        had = self._registered.get(key)
        if had == channel:
            return
        if had is not None:
            self._channels[had].keys.discard(key)
        self._registered[key] = channel
        self._channels[channel].keys.add(key)

    def link(self, channel: int, ended: int) -> None:
        """Text of a channel ends another one."""
        self._channels[channel].ends |= {ended}
        self._channels[ended].ended_by |= {channel}

    def forget(self, channel: int) -> None:
        """Drop what was registered for a channel."""
        keys = self._channels[channel].keys
        for key in keys:
            del self._registered[key]
        keys.clear()

    def close(self, channel: int) -> None:
        """Close a channel."""
        self.forget(channel)
        closed = self._channels.pop(channel)
        for other in closed.ended_by:
            self._channels[other].ends -= {channel}
        for other in closed.ends:
            self._channels[other].ended_by -= {channel}

    def know(self, slot: int, addresses: tuple[Any, ...]) -> None:
        """A mark of this slot with these addresses says nothing any more."""
        self._known.add((slot, addresses))

    def latest(self, slot: int) -> tuple[Any, bool] | None:
        """The last value of a slot, and whether the event in which it came left."""
        return self._latest.get(slot)

    def note(self, slot: int, value: Any, left: bool) -> None:  # noqa: FBT001 - as the native lane takes it
        """This is the last value of a slot."""
        self._latest[slot] = value, left


class Channel:
    """A channel that is open: what leads to it, which channels its text ends, and whose text ends it."""

    __slots__ = ("buffer", "ended_by", "ends", "keys")

    def __init__(self, buffer: _backend.StreamBuffer) -> None:
        self.buffer = buffer
        self.keys: set[Registered] = set()
        self.ends = self.ended_by = _NONE


def fed_with(texts: Iterable[tuple[_backend.StreamBuffer, str]]) -> Fed:
    """Feed texts, each to its buffer, in the order of the event. The list is empty if all leave as they came."""
    fed: Fed = []
    is_changed = False
    for buffer, came in texts:
        leaves = buffer.feed(came)
        if leaves == came:
            fed.append((came, False))
        else:
            is_changed = True
            fed.append((leaves, not leaves and bool(buffer.pending)))
    return fed if is_changed else []
