"""Outlines: a frame that is an earlier one with other texts in it need not be read.

Most events of a stream are the one before with another text. The *outline* of an event that a lane took is its frame
around its *gaps*: its texts, and the numbers of which the last one counts. A frame of the same bytes around others has
the same marks, only that they have moved. It passes as it came if each text is spelled without escapes and is quiet:
its channel holds nothing, and no key could begin in it. Else its marks are recalled, and it is settled as if read.

Natively the lane does this, and learns where events may differ besides (``rust/core/src/wire/outline.rs``).

Invariants: what passes would have left as it came, and nothing that later frames are judged by would be different, but
for the last numbers, which are noted. What is recalled is what reading would find. Cost: O(bytes of the frame), for
each of ``KEPT`` outlines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from holdback import _pure
from holdback.engine.bytes_cursor import BytesEvent
from holdback.engine.frame import Frame
from holdback.engine.marks import Mark, address_of
from holdback.engine.marks_lane import MarksLane
from holdback.engine.messages import Message
from holdback.engine.shapes import Kind

KEPT = 2
"""So many outlines are kept: two kinds of events may come in turns."""
LARGEST = 4096
"""The most bytes of a frame whose outline is kept."""

_TEXT = re.compile(rb'[^"\\\x00-\x1f]++')
_NUMBER = re.compile(rb"[1-9][0-9]{0,14}+")


class Outlines:
    """The outlines of one stream.

    :param lane: whose channels the texts feed.
    :param most: the most bytes of an event, without the line ends that end it.
    :param seen: is told how a frame is written that passes: what ends its lines, and whether it has an ``event`` line.
    """

    __slots__ = ("_found", "_kept", "_lane", "_misses", "_most", "_seen")

    def __init__(self, lane: MarksLane, most: int, seen: Callable[[tuple[bytes, bool]], None]) -> None:
        self._lane = lane
        self._most = most
        self._seen = seen
        self._kept: list[_Outline] = []
        self._misses = 0  # frames that were drawn since one fitted
        # What fits the frame that is next, which must be settled, and what stands in its gaps.
        self._found: tuple[_Outline, list[Any]] | None = None

    def passing(self, data: bytes | bytearray) -> int:
        """How many bytes of the frames at the beginning pass unread; a frame begins there."""
        self._found = None
        lane, at, last = self._lane, 0, None
        kept = [outline for outline in self._kept if outline.version == lane.version]
        while kept:
            for outline in kept:
                values: list[Any] = []
                end = outline.fit(data, at, values)
                if end:
                    break
            else:
                break
            if end - outline.behind - at > self._most:
                break
            if not outline.is_quiet(values):
                self._found = outline, values
                break
            if outline.has_numbers:
                outline.note(lane, values)
            at, last = end, outline
        if last is not None:
            self._misses = 0
            self._seen(last.manner)
        return at

    def recalled(self, source: bytes) -> BytesEvent | None:
        """The event of the next frame, if that fits an outline; ``source`` is its data."""
        found, self._found = self._found, None
        if found is None:
            return None
        self._misses = 0
        outline, values = found
        return outline.recalled(source, values)

    def draw(self, frame: Frame | Message, event: BytesEvent) -> None:
        """Keep the outline of a frame that the lane took.

        Of many in a row that fit none, fewer and fewer are drawn: the next may not fit either.
        """
        self._misses += 1
        if self._misses & (self._misses - 1):
            return
        outline = _drawn(frame, event, self._lane)
        if outline is not None:
            self._kept.insert(0, outline)
            del self._kept[KEPT:]


class _Gap(NamedTuple):
    """A part of an event in which others may differ."""

    before: bytes  # what stands between the gap before it, or the frame's beginning, and this one
    begin: int  # in the event
    end: int
    slot: int
    buffer: _pure.StreamBuffer | None  # of a text; None of a number


class _Outline:
    """One outline. It holds for the channels as they were in that version."""

    __slots__ = ("behind", "ended", "event", "gaps", "has_numbers", "manner", "marks", "tail", "version")

    def __init__(
        self,
        frame: Frame,
        event: BytesEvent,
        gaps: list[_Gap],
        tail: bytes,
        ended: list[_pure.StreamBuffer],
        version: int,
    ) -> None:
        self.gaps = gaps
        self.tail = tail
        self.ended = ended  # what the texts end
        self.version = version
        self.manner = frame.newline, frame.has_name
        self.behind = len(frame.bytes) - len(frame.bytes.rstrip(b"\r\n"))
        self.has_numbers = any(gap.buffer is None for gap in gaps)
        self.event = event
        self.marks: list[Mark] = []  # with spans, once they are asked for

    def fit(self, data: bytes | bytearray, at: int, values: list[Any]) -> int:
        """Where the frame ends that begins there, if it differs in the gaps alone; else 0. Appends their values."""
        for gap in self.gaps:
            before, buffer = gap.before, gap.buffer
            if not data.startswith(before, at):
                return 0
            found = (_NUMBER if buffer is None else _TEXT).match(data, at + len(before))
            if found is None:
                return 0
            at = found.end()
            try:
                values.append(int(found[0]) if buffer is None else found[0].decode())
            except UnicodeDecodeError:
                return 0
        return at + len(self.tail) if data.startswith(self.tail, at) else 0

    def is_quiet(self, values: list[Any]) -> bool:
        """Whether the texts in the gaps change nothing."""
        for gap, value in zip(self.gaps, values, strict=True):
            if gap.buffer is not None and not gap.buffer._passes(value):
                return False
        return not self.ended or all(buffer._passes("") for buffer in self.ended)

    def note(self, lane: MarksLane, values: list[Any]) -> None:
        """Tell the lane of the numbers in the gaps of an event that leaves."""
        for gap, value in zip(self.gaps, values, strict=True):
            if gap.buffer is None:
                lane.note(gap.slot, value, True)  # noqa: FBT003 - as the native lane takes it

    def recalled(self, source: bytes, values: list[Any]) -> BytesEvent:
        """The event with these values, as reading its source would find it."""
        texts, shifts = {}, []
        for gap, value in zip(self.gaps, values, strict=True):
            texts[gap.begin] = value
            size = len(str(value)) if gap.buffer is None else len(value.encode())
            shifts.append((gap.begin, size - (gap.end - gap.begin)))

        def moved(place: int) -> int:
            return place + sum(delta for begin, delta in shifts if begin < place)

        event = self.event
        if not self.marks:
            self.marks = [(slot, at, value, event.span(where)) for slot, at, value, where in event.marks]
        marks: list[Mark] = [
            (slot, at, texts.get(begin + 1, value) if slot.is_text else value, (moved(begin), moved(end)))
            for slot, at, value, (begin, end) in self.marks
        ]
        return BytesEvent(source, (marks, dict(event.addresses)))


def _drawn(frame: Frame | Message, event: BytesEvent, lane: MarksLane) -> _Outline | None:
    """The outline of a frame; None if frames like it must be read."""
    data, source = frame.bytes, event.source
    if len(data) > LARGEST or not isinstance(frame, Frame):
        return None
    first = frame.begin if frame.segments is None else frame.segments[0].frame
    # Behind a CR at the end a LF may follow that belongs to it.
    if not data.startswith(source, first) or not data.endswith(b"\n"):
        return None
    gaps: list[_Gap] = []
    ended: list[Any] = []
    done = 0
    for slot, at, value, where in event.marks:
        buffer: Any = None
        if slot.is_text:
            if not value:
                continue
            channel = lane.channel(slot.number, address_of(slot, at, event.addresses))
            if channel is None:
                return None
            buffer = channel.buffer  # of the reference twin: natively there is no such lane
            ended += lane.ended_by(channel)
        elif slot.kind is not Kind.LATEST:
            continue
        elif type(value) is not int:
            return None
        begin, end = event.span(where)
        if buffer is not None:
            begin, end = begin + 1, end - 1
        pattern = _NUMBER if buffer is None else _TEXT
        if pattern.fullmatch(source, begin, end) is None or first + begin < done:
            return None
        gaps.append(_Gap(data[done : first + begin], begin, end, slot.number, buffer))
        done = first + end
    return _Outline(frame, event, gaps, data[done:], ended, lane.version) if gaps else None
