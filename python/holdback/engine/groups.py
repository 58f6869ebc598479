"""The channels of one answer, each in its group: a choice, an item or a block."""

from __future__ import annotations

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


class Group:
    """The channels of a group by their names, and its finish."""

    __slots__ = ("channels", "finish", "is_void", "reached")

    def __init__(self) -> None:
        self.channels: Few[Name, Channel] = Few()
        self.reached: Few[int, Channel] = Few()  # those that the lane may feed, by their numbers
        self.finish: tuple[Slot, tuple[Any, ...]] | None = None  # that no text came after
        self.is_void = False  # its finishes end nothing
