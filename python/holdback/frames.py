r"""Frames: one server-sent event or one line of NDJSON, as the bytes that came.

The framing of events is that of the WHATWG HTML standard, section "Server-sent events": lines end with LF, CR LF or
CR, mixed as they please; an empty line ends an event; a line that begins with a colon is a comment; one space after
a field's colon is not part of its value; the values of several ``data`` lines are joined with LF. A byte order mark
at the start of the stream is not part of its first line. A line of NDJSON ends with LF.

Nothing here decodes text: CR and LF stand for themselves in UTF-8, and only they end a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from holdback.splice import Replacement

BOM = b"\xef\xbb\xbf"

_END_OF_EVENT = re.compile(rb"(?:\r\n|\n|\r(?!\n))(\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|$)")
_PLAIN = b"data: "  # what the one line of most events begins with


def end_of_event(data: bytes, start: int, *, inside: bool = False) -> int:
    """Where the event that begins at ``start`` ends, its blank line included; -1 if that has not come yet.

    ``inside`` says that the event began before.
    """
    if not inside and data[start : start + 1] in (b"\n", b"\r"):  # an empty line of its own
        return start + (2 if data[start : start + 2] == b"\r\n" else 1)
    end = data.find(b"\n\n", start)
    if data.find(b"\r", start, end if end >= 0 else len(data)) < 0:  # what streams are mostly made of
        return end + 2 if end >= 0 else -1
    found = _END_OF_EVENT.search(data, start)
    return found.end() if found else -1


def end_of_line(data: bytes, start: int) -> int:
    """Where the line that begins at ``start`` ends, its LF included; -1 if that has not come yet."""
    return data.find(b"\n", start) + 1 or -1


class Segment(NamedTuple):
    """Some bytes of a frame's data: where they stand in the data, in the frame, and how many."""

    source: int
    frame: int
    length: int


class Frame:
    """A frame taken apart: ``source`` is the data it carries, None if it carries none."""

    __slots__ = ("begin", "bytes", "has_name", "newline", "only_data", "segments", "source")

    def __init__(self, frame: bytes, *, lines: bool, first: bool) -> None:
        self.bytes = frame
        self.newline = b"\n"  # how its lines end; empty if the only one does not
        self.has_name = False  # it has an `event` line
        self.only_data = True  # it has nothing but `data` lines
        self.source: bytes | None = None
        self.segments: list[Segment] | None = None  # None: the source is one span, from `begin` on
        self.begin = len(BOM) if first and frame.startswith(BOM) else 0
        end = len(frame) - 2
        if lines:
            self.source = frame[self.begin :]
        elif (
            frame.startswith(_PLAIN)
            and frame.find(b"\n") == end
            and 13 not in frame
            and frame.endswith(b"\n")
        ):
            self.begin, self.source = len(_PLAIN), frame[len(_PLAIN) : end]
        else:
            self._read_lines(self.begin)

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

    def changes(self, changes: Iterable[Replacement]) -> list[Replacement]:
        """Changes of the data as changes of the frame."""
        if self.segments is not None:
            return [self._in_frame(change, self.segments) for change in changes]
        shift = self.begin
        return [(begin + shift, end + shift, value) for begin, end, value in changes]

    def _in_frame(self, change: Replacement, segments: Sequence[Segment]) -> Replacement:
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
