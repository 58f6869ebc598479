"""The channels of one answer, each in its group: a choice, an item or a block."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from holdback import _backend
from holdback.engine.few import Few
from holdback.engine.guard import AnyGuard
from holdback.engine.shapes import Slot

Name = tuple[str, Any]
"""The kind of a channel, and what else tells it from others of that kind in its group."""


class Channel:
    """One text that is open."""

    __slots__ = ("buffer", "guard", "number")

    def __init__(self, buffer: _backend.StreamBuffer, guard: AnyGuard | None) -> None:
        self.buffer = buffer
        self.guard = guard
        self.number = -1  # in the lane


class Group(Few[Name, Channel]):
    """The channels of a group by their names, its finish, and which channels the lane may feed."""

    __slots__ = ("_reached", "finish", "is_void")

    def __init__(self) -> None:
        super().__init__()
        self.finish: tuple[Slot, tuple[Any, ...]] | None = None  # that no text came after
        self.is_void = False  # its finishes end nothing
        # What the lane may feed: most often one; by their numbers once there were more.
        self._reached: Channel | dict[int, Channel] | None = None

    def reach(self, channel: Channel) -> None:
        """The lane may feed this channel from here on."""
        reached = self._reached
        if isinstance(reached, dict):
            reached[channel.number] = channel
        elif reached is None or reached is channel:
            self._reached = channel
        else:
            self._reached = {reached.number: reached, channel.number: channel}

    def leave(self, channel: Channel) -> None:
        """The lane may not feed this channel any more."""
        if isinstance(self._reached, dict):
            self._reached.pop(channel.number, None)
        elif self._reached is channel:
            self._reached = None

    def leave_all(self) -> Iterable[Channel]:
        """Likewise of all channels; returns those that it could feed."""
        reached, self._reached = self._reached, None
        if reached is None:
            return ()
        return reached.values() if isinstance(reached, dict) else (reached,)


@lru_cache(maxsize=256)
def lone(kind: str) -> Name:
    """The name of a channel that is the only one of its kind in its group: streams share it."""
    return kind, None
