"""A frame taken apart: the data in it, and changes of the data as changes of the frame.

Most frames carry their data in one span of their bytes; an event may spread it over lines. AWS messages are taken apart
by ``messages``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from holdback.engine.bytes_cursor import Change
from holdback.engine.framing import BOM, Framing
from holdback.engine.messages import Message

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")
_EVENTS, _LINES, _MESSAGES = Framing.EVENTS, Framing.LINES, Framing.MESSAGES  # as in ``frames``
_LF, _CR = b"\n\r"
_BRACKETS = (b"[", b"]")
_LEAD = re.compile(rb"[ \t\r\n]*+,?[ \t\r\n]*+")
_PLAIN = b"data: "  # what the one line of most events begins with
_NAMED = re.compile(rb"event:[^\r\n]*\ndata: ([^\r\n]*)\n\n")  # most others


class Segment(NamedTuple):
    """Some bytes of a frame's data: where they stand in the data, in the frame, and how many."""

    source: int
    frame: int
    length: int


class Frame:
    """A frame taken apart: ``source`` is the data it carries, None if it carries none."""

    __slots__ = ("begin", "bytes", "source")

    newline = b"\n"  # how its lines end; empty if the only one does not
    has_name = False  # it has an `event` line
    only_data = True  # it has nothing but `data` lines
    is_element = False  # of an array
    segments: list[Segment] | None = None  # None: the source is one span, from `begin` on

    def __init__(self, frame: bytes, begin: int, source: bytes | None) -> None:
        self.bytes = frame
        self.begin = begin
        self.source = source

    def changes(self, changes: Iterable[Change]) -> list[Change]:
        """Changes of the data as changes of the frame."""
        shift = self.begin
        return [(begin + shift, end + shift, value) for begin, end, value in changes]


class Named(Frame):
    """An event with its name, in the lines in which most such events come."""

    __slots__ = ()

    has_name = True
    only_data = False


class Given(Frame):
    """An event that the native lane took apart: its data is one span, from ``begin`` on."""

    __slots__ = ("has_name", "newline", "only_data")

    def __init__(self, frame: bytes, event: tuple[Any, bytes, int, bytes, bool, bool]) -> None:
        self.bytes = frame
        _, self.source, self.begin, self.newline, self.has_name, self.only_data = event


class Element(Frame):
    """An element of an array."""

    __slots__ = ()

    is_element = True


class Lines(Frame):
    """An event in lines of any kind and number."""

    __slots__ = ("has_name", "newline", "only_data", "segments")

    segments: list[Segment]

    def __init__(self, frame: bytes, begin: int) -> None:
        super().__init__(frame, begin, None)
        self.newline = b"\n"
        self.has_name = False
        self.only_data = True
        self._read_lines(begin)

    def _read_lines(self, at: int) -> None:
        self.segments = []
        pieces, length, first = [], 0, True
        for line in _LINE.finditer(self.bytes, at):
            if not line[1]:
                continue
            if first:
                first, self.newline = False, line[2]
            name, _, value = line[1].partition(b":")
            if name != b"data":
                self.has_name |= name == b"event"
                self.only_data = False
                continue
            value = value.removeprefix(b" ")
            self.segments.append(Segment(length, line.end(1) - len(value), len(value)))
            pieces.append(value)
            length += len(value) + 1
        if pieces:
            self.source = b"\n".join(pieces)

    def changes(self, changes: Iterable[Change]) -> list[Change]:
        return [self._in_frame(change, self.segments) for change in changes]

    def _in_frame(self, change: Change, segments: Sequence[Segment]) -> Change:
        """A change of the data as a change of the frame; it may reach over several lines."""
        begin, end, value = change
        first, last = _at(segments, begin), _at(segments, end)
        places = [segments[index].frame - segments[index].source for index in (first, last)]
        between = (
            self.bytes[left.frame + left.length : right.frame]
            for left, right in pairwise(segments[first : last + 1])
        )
        head, *lines = value.split(b"\n")
        value = head + b"".join(next(between, self.newline + b"data: ") + line for line in lines)
        return begin + places[0], end + places[1], value


def _at(segments: Sequence[Segment], position: int) -> int:
    """The number of the segment in which that place of the data is."""
    return bisect_right(segments, position, key=lambda segment: segment.source) - 1


def taken_apart(frame: bytes, framing: Framing | None, *, first: bool) -> Frame | Message:
    """A frame taken apart."""
    if framing is _EVENTS or framing is None:
        end = len(frame) - 2
        if frame.startswith(_PLAIN) and frame.find(b"\n") == end and frame[-1] == _LF and _CR not in frame:
            return Frame(frame, len(_PLAIN), frame[len(_PLAIN) : end])
        if (named := _NAMED.fullmatch(frame)) is not None:
            return Named(frame, named.start(1), named[1])
    elif framing is _MESSAGES:
        return Message(frame)
    begin = len(BOM) if first and frame.startswith(BOM) else 0
    if framing is _EVENTS or framing is None:
        return Lines(frame, begin)
    if framing is _LINES:
        return Frame(frame, begin, frame[begin:])
    begin += len(_LEAD.match(frame, begin)[0])  # type: ignore[index]  # it matches anything
    source = frame[begin:]
    kind = Element if framing is Framing.ELEMENTS and source not in _BRACKETS else Frame
    return kind(frame, begin, source)
