r"""Frames: the borders of events in a stream of bytes. Nothing else knows CR and LF.

How events are put into a stream, its framing, is in ``framing``; AWS messages are read by ``messages``.

Two kinds of lines are frames of their own, so that they leave as soon as they are complete: comments at the beginning
of a frame, which providers send to keep a connection alive, and empty lines where no event has begun. A frame that ends
with CR is complete at once; a LF that follows belongs to it.

Nothing here decodes text: CR and LF stand for themselves in UTF-8. A byte is searched once, however a frame is cut.
``rust/core/src/wire/frames.rs`` is the twin for events and lines.
"""

from __future__ import annotations

import re
from typing import Protocol

from holdback.engine.framing import BOM, Framing
from holdback.engine.messages import MessageFramer

_LINE_END = re.compile(rb"[\r\n]")
_TOKEN = re.compile(rb'["{}\[\],]')
_IN_STRING = re.compile(rb'["\\]')
_OBJECT_TOKEN = re.compile(rb'["{}\[\],:\n]')
_IN_OBJECT_STRING = re.compile(rb'["\\\n]')
_ODD = b"\r\n:" + BOM[:1]  # with which blank lines, comments and marks of the byte order begin
_EVENTS, _LINES = Framing.EVENTS, Framing.LINES  # asked at each frame, and an enum finds its members slowly


class Passing(Protocol):
    """Lets frames pass unread; ``outlines.Outlines`` is what there is."""

    def passing(self, data: bytes | bytearray) -> int:
        """How many bytes of the frames at the beginning pass unread; a frame begins there."""


class Framer:
    """Cuts a stream into frames.

    ``feed`` takes bytes and returns the first frame that is complete, with what passes before it; with no more bytes
    it goes on with what waits. It is what the native lane is, but for taking every frame to be one that must be read
    which ``outlines`` does not let pass.

    :param max_event_bytes: of an event without the line ends that end it.
    :param skip_oversized: whether a larger one passes unread; else it is told of.
    """

    __slots__ = (
        "_after_return",
        "_depth",
        "_framing",
        "_is_comment",
        "_is_first_line",
        "_is_in_string",
        "_is_junk",
        "_is_opened",
        "_last",
        "_line",
        "_max",
        "_rest",
        "_seek",
        "_skips",
        "_text_end",
        "is_skipping",
        "manner",
        "offset",
        "outlines",
        "oversized",
        "owes_lf",
    )

    broken = 0  # bytes of no frame come only in ``messages``

    def __init__(
        self, framing: Framing, max_event_bytes: int, *, skip_oversized: bool, offset: int = 0
    ) -> None:
        self._framing = framing
        self._max = max_event_bytes
        self._skips = skip_oversized
        self.offset = offset  # of the current frame's first byte in the stream
        self.oversized = 0  # how many events were too large
        self.manner = None  # every frame is read, so nobody need be told how it is written
        self.outlines: Passing | None = None  # of frames that were read
        self._rest = bytearray()  # from the current frame's first byte on
        self.is_skipping = False  # an event that is too large passes
        self.owes_lf = False  # the last frame ended with CR
        self._is_opened = False  # the array has begun
        self._start()

    def _start(self) -> None:
        """A frame begins."""
        self._seek = 0  # up to where the frame was searched
        self._line = 0  # where its current line begins; -1 if that is gone
        self._text_end = 0  # where the last line with anything in it ended
        self._is_first_line = True
        self._is_comment = False
        self._after_return = (
            False  # the line before ended with the CR that came last: a LF here belongs to it
        )
        self._depth = 0  # of containers that are open in an element
        self._is_in_string = False
        self._last = b""  # the last token inside an object
        self._is_junk = False  # more than blanks has passed before it

    def feed(self, data: bytes) -> bytes | tuple[bytes, bytes, None]:
        rest, out = self._rest, b""
        if self.outlines is not None and self._may_pass(data):
            whole: bytes | bytearray = data
            if rest:
                rest += data
                whole, data = rest, b""
            if end := self.outlines.passing(whole):
                self.offset += end
                self._start()
                if whole is data and end == len(data):
                    return data
                out, data = bytes(whole[:end]), data[end:]
                if rest:
                    del rest[:end]
        if not rest:
            if not data:
                return out
            if self._end_of_plain(data) == len(data):
                self.offset += len(data)
                return out, data, None
        rest += data
        if (end := self._end_of_plain(rest)) > 0:
            frame = bytes(rest[:end])
            del rest[:end]
            self.offset += end
            return out, frame, None
        if self.owes_lf:
            self.owes_lf = False
            if rest[0] == 0x0A:
                return out, self._take(1), None
        while (end := self._end()) >= 0:
            if not self.is_skipping and self._size(end) > self._max and not self._skip():
                return out, b"", None
            if not self.is_skipping:
                return out, self._take(end), None
            self.is_skipping = False
            out += self._take(end)
        if not self.is_skipping and self._size(len(rest)) > self._max and not self._skip():
            return out, b"", None
        return out + self._pass_on() if self.is_skipping else out

    def _may_pass(self, data: bytes) -> bool:
        """Whether a frame may pass unread: one begins here, or one that has begun may end in these bytes."""
        return not (self.is_skipping or self.owes_lf) and (not self._seek or b"\n" in data)

    def _end_of_plain(self, data: bytes | bytearray) -> int:
        """Where the event ends that begins here, if it is written as most are, so that no line is looked at; else 0."""
        if self._framing is not _EVENTS or self._seek or self.is_skipping or self.owes_lf:
            return 0
        end = data.find(b"\n\n")
        if not 0 < end <= self._max or data[0] in _ODD or data.find(b"\r", 0, end) >= 0:
            return 0
        return end + 2

    @property
    def is_in_line(self) -> bool:
        """Whether an event that is too large stopped in the middle of a line."""
        return self._line < 0

    def take_rest(self) -> bytes:
        """The bytes of the unfinished frame, which are forgotten."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _skip(self) -> bool:
        """The frame is too large; returns whether it passes unread."""
        self.oversized += self._skips
        self.is_skipping = self._skips
        return self._skips

    def _size(self, end: int) -> int:
        """How large an event is that ends here, or that has come so far, without the line ends that end it."""
        if self._framing is _LINES:
            return end - (self._rest[end - 1 : end] == b"\n")
        if self._framing is _EVENTS and end and self._rest[end - 1] in (0x0A, 0x0D):
            return self._text_end
        return end

    def _take(self, end: int) -> bytes:
        frame = bytes(self._rest[:end])
        del self._rest[:end]
        self.offset += end
        self.owes_lf = self._framing is _EVENTS and frame.endswith(b"\r")
        self._start()
        return frame

    def _pass_on(self) -> bytes:
        """What has come of an event that is skipped, but for what its end is searched by."""
        rest = self._rest
        keep = min(self._seek, len(rest))
        if self._framing is Framing.OBJECTS and not self._depth:
            self._is_junk |= self._has_junk(keep)
        out = bytes(rest[:keep])
        del rest[:keep]
        self._line = self._line - keep if self._line >= keep else -1
        self._seek = 0
        self.offset += keep
        return out

    def _end(self) -> int:
        """Where the frame ends; -1 if that has not come yet."""
        if self._framing is _LINES:
            found = self._rest.find(b"\n", self._seek)
            self._seek = len(self._rest)
            return found + 1 or -1
        if self._framing is _EVENTS:
            return self._end_of_event()
        return self._end_of_object() if self._framing is Framing.OBJECTS else self._end_of_element()

    def _end_of_event(self) -> int:
        rest = self._rest
        while True:
            if not self.offset and self._is_first_line and rest.startswith(BOM):
                self._line = len(BOM)
            if self._after_return and self._line < len(rest):
                self._after_return = False
                self._line = self._seek = self._line + (rest[self._line] == 0x0A)
            line = self._line
            if 0 <= line < len(rest):
                if rest[line] in (0x0A, 0x0D):
                    return line + (2 if rest[line : line + 2] == b"\r\n" else 1)
                self._is_comment = self._is_first_line and rest[line] == 0x3A
            found = _LINE_END.search(rest, max(self._seek, line))
            if found is None:
                self._seek = len(rest)
                return -1
            end = found.end() + (rest[found.start() : found.start() + 2] == b"\r\n")
            self._text_end = found.start()
            if self._is_comment:
                return end
            self._line = self._seek = end
            self._is_first_line = False
            self._after_return = end == len(rest) and rest[end - 1] == 0x0D

    def _end_of_element(self) -> int:
        """Where the next element ends, with the comma before it.

        The opening and the closing bracket of the array are frames, too. An element that is no container and no string
        ends where a comma or bracket follows.
        """
        rest = self._rest
        while True:
            if self._is_in_string:
                found = _IN_STRING.search(rest, self._seek)
                if found is None:
                    self._seek = len(rest)
                    return -1
                if found[0] == b"\\":
                    if found.end() == len(rest):
                        self._seek = found.start()
                        return -1
                    self._seek = found.end() + 1
                    continue
                self._is_in_string, self._seek = False, found.end()
                if not self._depth:
                    return self._seek
                continue
            found = _TOKEN.search(rest, self._seek)
            if found is None:
                self._seek = len(rest)
                return -1
            self._seek = found.end()
            if not self._is_opened:
                self._is_opened = True
                return self._seek
            if found[0] == b'"':
                self._is_in_string = True
            elif found[0] in (b"{", b"["):
                self._depth += 1
            elif self._depth:
                if found[0] != b",":
                    self._depth -= 1
                    if not self._depth:
                        return self._seek
            elif rest[: found.start()].lstrip(b" \t\r\n,"):
                return found.start()
            elif found[0] == b"]":
                return self._seek

    def _has_junk(self, end: int) -> bool:
        """Whether more than blanks stands before a place outside of objects."""
        before = self._rest[:end]
        return bool((before if self.offset else before.removeprefix(BOM)).strip(b" \t\r\n"))

    def _end_of_object(self) -> int:
        """Where the next object ends, with the blanks before it.

        A line outside of objects is a frame. What cannot be JSON is one as well, so that it holds up nothing behind it:
        a string ends in its line, and no object follows another value without a comma or a colon between.
        """
        rest = self._rest
        while True:
            found = (_IN_OBJECT_STRING if self._is_in_string else _OBJECT_TOKEN).search(rest, self._seek)
            if found is None:
                self._seek = len(rest)
                return -1
            token = found[0]
            if token == b"\\":
                if found.end() == len(rest):
                    self._seek = found.start()
                    return -1
                self._seek = found.end() + 1
                continue
            self._seek = found.end()
            if token == b"\n":
                if self._is_in_string or not self._depth:
                    return self._seek
                continue
            if not self._depth:
                if token != b"{":
                    continue
                if self._is_junk or self._has_junk(found.start()):
                    return found.start()
            elif token == b"{" and self._last in (b'"', b"}", b"]"):
                return found.start()
            if token == b'"':
                self._is_in_string = not self._is_in_string
            elif token in (b"{", b"["):
                self._depth += 1
            elif token in (b"}", b"]"):
                self._depth -= 1
                if not self._depth:
                    return self._seek
            self._last = token


def framer_of(framing: Framing, limits: tuple[int, bool], offset: int) -> Framer | MessageFramer:
    """What cuts a stream of that framing; ``limits`` is the most bytes of an event, and whether a larger one passes."""
    max_event_bytes, skips = limits
    if framing is Framing.MESSAGES:
        return MessageFramer(max_event_bytes, skip_oversized=skips, offset=offset)
    return Framer(framing, max_event_bytes, skip_oversized=skips, offset=offset)
