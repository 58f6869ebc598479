"""What finds the frames of a stream: its first bytes tell the framing, then a framer cuts it, and once the format is
decided the native lane does.
"""

from __future__ import annotations

from typing import Final, Literal

from holdback._backend import Lane
from holdback.engine import json_text
from holdback.engine.frame import Frame
from holdback.engine.frame_writer import FrameWriter
from holdback.engine.frames import Framer, framer_of
from holdback.engine.framing import Framing
from holdback.engine.marks_lane import MarksLane
from holdback.engine.messages import Message, MessageFramer
from holdback.engine.outlines import Outlines
from holdback.engine.shapes import Shapes
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError
from holdback.restorers.encodings import encoding_of

Limits = tuple[int, bool]
"""The most bytes of an event, and whether a larger one passes unread."""

USUAL: Final[Limits] = 64 << 20, True

_LANE: Final[dict[Framing | None, Literal["events", "lines", "messages"]]] = {
    Framing.EVENTS: "events",
    Framing.LINES: "lines",
    Framing.MESSAGES: "messages",
}
"""The framings that the lane knows, and its names of them."""


def limits_of(max_event_bytes: int, oversized: str) -> Limits:
    """The limits that a caller asks for.

    :raises TypeError: ``max_event_bytes`` is no ``int``.
    :raises HoldbackError: ``oversized`` is neither ``"pass"`` nor ``"raise"``.
    """
    if type(max_event_bytes) is not int:
        raise TypeError(f"max_event_bytes must be int, not {type(max_event_bytes).__name__}")
    if oversized not in {"pass", "raise"}:
        raise HoldbackError('oversized must be "pass" or "raise"')
    limits = max_event_bytes, oversized == "pass"
    return USUAL if limits == USUAL else limits  # most streams share one pair


def too_large(offset: int, limits: Limits) -> EventTooLarge:
    """The error about an event that is larger than the limit."""
    return EventTooLarge(f"the event at offset {offset} is larger than max_event_bytes={limits[0]}")


class Start:
    """The start of a stream, until it is known how events are put into it: a ``Framer`` that finds no frame yet."""

    __slots__ = ("_limits", "_rest", "framing", "offset")

    manner = None
    is_skipping = is_in_line = False
    oversized = broken = 0

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.offset = 0  # how many bytes of blank lines came before
        self._rest = b""  # what has come and did not pass
        self.framing: Framing | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; returns what passes: blank lines are nobody's.

        :raises EncodedInput: the stream is compressed.
        """
        self._rest += data
        if not self.offset and self._may_be_encoded():
            return b""
        self.framing = Framing.of(self._rest, is_first=not self.offset)
        if self.framing is not None:
            return b""
        end = self._rest.rfind(b"\n") + 1
        blank, self._rest = self._rest[:end], self._rest[end:]
        self.offset += end
        return blank

    def _may_be_encoded(self) -> bool:
        """Whether these first bytes may become those of compressed ones."""
        name, may_become = encoding_of(self._rest)
        if name is not None:
            raise EncodedInput(f"the stream is compressed ({name}): restoring needs the decoded bytes")
        return may_become

    def take_rest(self) -> bytes:
        """The bytes that did not pass, which are forgotten."""
        rest, self._rest = self._rest, b""
        return rest

    def framer(self, framing: Framing) -> Framer | MessageFramer:
        """What cuts the stream into frames."""
        return framer_of(framing, self._limits, self.offset)

    def objects(self, line: Frame | Message, end: int) -> tuple[Framer | MessageFramer, bytes] | None:
        """What cuts a stream of lines into objects, if its first line, which ends there in the stream, is no object but
        the beginning of one; and what passes of that line.
        """
        if line.source is None or json_text.is_event(line.source):
            return None
        framer = framer_of(Framing.OBJECTS, self._limits, end - len(line.bytes))
        taken = framer.feed(line.bytes)
        return (framer, taken) if type(taken) is bytes else None


def outlines_behind(
    framer: Framer, framing: Framing | None, lane: MarksLane, limits: Limits, writer: FrameWriter
) -> Outlines | None:
    """The outlines of frames that were read, which others may pass by from here on; None of a framing without any."""
    if framing not in (Framing.EVENTS, Framing.LINES):
        return None
    framer.outlines = outlines = Outlines(lane, limits[0], writer.seen_so)
    return outlines


def lane_behind(
    framer: Framer | MessageFramer, framing: Framing | None, shapes: Shapes, limits: Limits
) -> Lane | None:
    """The native lane, which goes on where a framer stands; None of a framing that it does not know."""
    name = _LANE.get(framing)
    if name is None:
        return None
    size, skips = limits
    lane = Lane(shapes.native, framing=name, max_event_bytes=size, skip_oversized=skips, offset=framer.offset)
    if framer.owes_lf:
        lane.expect_line_feed()
    return lane
