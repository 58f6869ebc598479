"""Writing frames: what leaves of a stream, in the manner of the stream.

Frames leave as they came but for the spans that changed. A synthetic event is written as the last real one was:
with its line ends, and with an ``event`` line if that had one. In a JSON array an element that does not leave takes
the comma before it along, and the first that leaves has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from holdback.engine.bytes_cursor import Change, apply
from holdback.engine.frame import Frame
from holdback.engine.framing import BOM, Framing
from holdback.engine.json_text import to_json_bytes
from holdback.engine.messages import Message, written


class Elements(Enum):
    """What became of the elements of an array so far."""

    NONE = auto()
    LEFT_OUT = auto()
    LEFT = auto()


class FrameWriter:
    """What is ready to leave, in order; ``take`` returns it."""

    __slots__ = (
        "_elements",
        "_lead",
        "_named",
        "_newline",
        "_out",
        "framing",
        "owes_lf",
    )

    def __init__(self) -> None:
        self.framing: Framing | None = None
        self.owes_lf = False  # the last frame was left out and ended with CR: a LF behind it belongs to it
        self._out: list[bytes] | None = None  # while something is ready
        self._newline, self._named = b"\n", False  # how the last event that was read is written
        self._elements = Elements.NONE
        # The line end of a first frame that was left out; None once anything has left.
        self._lead: bytes | None = b""

    def data(self, data: bytes) -> None:
        """These bytes leave as they are."""
        if self._out is None:
            self._out = [data]
        else:
            self._out.append(data)

    def frame(self, frame: Frame | Message, changes: Sequence[Change] = ()) -> None:
        """A frame leaves, with these changes."""
        self.owes_lf = False
        data = apply(frame.bytes, changes) if changes else frame.bytes
        if frame.is_element:
            if self._elements is Elements.LEFT_OUT:
                lead = frame.bytes[: frame.begin]
                data = lead.replace(b",", b"") + data[frame.begin :]
            self._elements = Elements.LEFT
        self.data(data)

    def leave_out(self, frame: Frame | Message) -> None:
        """A frame does not leave."""
        self.owes_lf = self.framing is Framing.EVENTS and frame.bytes.endswith(b"\r")
        if self._elements is Elements.NONE:
            self._elements = Elements.LEFT_OUT
        if self._lead == b"" and not any(self._out or ()):
            self._lead = frame.newline

    def seen(self, frame: Frame | Message) -> None:
        """An event that was read: synthetic ones are written like it."""
        self._newline, self._named = frame.newline or self._newline, frame.has_name

    def seen_so(self, manner: tuple[bytes, bool] | None) -> None:
        """Likewise of an event that the lane took: what ends its lines, and whether it has an ``event`` line."""
        if manner is not None:
            self._newline, self._named = manner
            self.owes_lf = False

    def event(self, chunk: dict[str, Any]) -> None:
        """A synthetic event leaves."""
        if self.framing is Framing.MESSAGES:
            self.data(written(chunk))
            return
        data, newline = to_json_bytes(chunk), self._newline
        if self.framing is Framing.ELEMENTS:
            self.data(b"," + data if self._elements is Elements.LEFT else data)
            self._elements = Elements.LEFT
        elif self.framing is Framing.LINES:
            self.data(data + newline)
        elif self.framing is Framing.OBJECTS:
            self.data(newline + data)
        else:
            name = b"event: " + chunk["type"].encode() + newline if self._named and "type" in chunk else b""
            self.data(name + b"data: " + data + newline * 2)

    def blank_line(self) -> None:
        """An event ends here that went on when it came."""
        self.data(self._newline)

    def complete(self, frame: bytes, at: int) -> None:
        """Supply what an unterminated frame lacks that left before place ``at``, if something follows it there."""
        if self._out is None or at >= len(self._out) or self.framing not in (Framing.EVENTS, Framing.LINES):
            return
        end = self._newline if frame.endswith((b"\n", b"\r")) else self._newline * 2
        if self.framing is Framing.LINES:
            end = b"" if frame.endswith(b"\n") else b"\n"
        self._out.insert(at, end)

    @property
    def owes_lead(self) -> bool:
        """Whether nothing has left yet though an event came: what leaves next must not become the stream's start."""
        return bool(self._lead)

    def __len__(self) -> int:
        return 0 if self._out is None else len(self._out)

    def take(self) -> bytes:
        """What is ready to leave."""
        if self._out is None:
            return b""
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out = None
        if data and self._lead is not None:
            lead, self._lead = self._lead, None
            if lead and data.startswith(BOM):  # at the start of a stream a reader would skip it
                return lead + data
        return data
