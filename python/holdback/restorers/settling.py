"""What becomes of the frames of a stream that must be read: read once, settled, written.

``WireRestorer`` finds the frames and decides the format; this is the way of each frame behind that.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from holdback.engine import json_text
from holdback.engine.answer import Answer
from holdback.engine.bytes_cursor import BytesEvent, Reading, apply, walk
from holdback.engine.frame_writer import FrameWriter
from holdback.engine.frames import Frame, Framing
from holdback.engine.guard import Account
from holdback.engine.messages import Message
from holdback.formats import Format, format_of


class State(Enum):
    """Where a stream is; the table stands at the top of ``wire.py``."""

    DETECTING = auto()
    RESTORING = auto()
    FORWARDING = auto()
    FAILED = auto()
    ENDED = auto()


class Settling:
    """The frames of one stream, once they are found."""

    __slots__ = (
        "_account",
        "_answer",
        "_format",
        "_is_first",
        "_kind",
        "_state",
        "_uses_lane",
        "_writer",
    )

    _account: Account
    _answer: Answer | None
    _format: Format | None  # of this stream, once it is decided
    _is_first: bool  # no frame was read yet
    _kind: type[Format] | None
    _state: State
    _uses_lane: bool
    _writer: FrameWriter

    def _decide(self, kind: type[Format]) -> None:
        """The format is known from here on."""
        raise NotImplementedError

    def _read(self, frame: Frame | Message, reading: Reading | None) -> None:
        """What becomes of a frame."""
        self._is_first = False
        source = frame.source
        if source is None:
            if frame.bytes == b"\n" and self._writer.owes_lf:  # it goes the way of its frame
                self._writer.owes_lf = False
            else:
                self._writer.frame(frame)
            return
        if reading is None:
            reading = self._walked(source)
        if reading is not None:
            self._writer.seen(frame)
            self._settle_event(frame, BytesEvent(source, reading))
        elif source.startswith(b"[DONE]") or (source == b"]" and self._writer.framing is Framing.ELEMENTS):
            self._drain()
            self._state = State.FORWARDING
            self._writer.frame(frame)
        elif isinstance(frame, Frame) and frame.segments is not None and len(frame.segments) > 1:
            self._read_each(frame)
        else:
            self._writer.frame(frame)

    def _walked(self, source: bytes) -> Reading | None:
        """The marks of an event; None if it is none, or if no format is decided and it decides none."""
        if self._format is None:
            event = json_text.loads(source)
            kind = None if event is None else format_of(event)
            if kind is None:
                self._account.not_understood += event is not None
                return None
            self._decide(kind)
        if self._kind is None:
            return None
        shapes = self._kind.shapes(self._account.unread)
        return walk(shapes, source, natively=self._uses_lane)

    def _settle_event(self, frame: Frame | Message, event: BytesEvent) -> None:
        """A frame that is one event."""
        before, leaves = self._settled(event)
        for chunk in before:
            self._writer.event(chunk)
        if leaves or not frame.only_data:
            if not leaves and self._answer is not None:
                self._answer.note(event, leaves=True)
            self._writer.frame(frame, frame.changes(event.changes()))
        else:
            self._writer.leave_out(frame)

    def _read_each(self, frame: Frame) -> None:
        """A frame of several ``data`` lines that are no event together: each is read on its own."""
        writer, segments = self._writer, frame.segments or ()
        starts = [
            0,
            *(frame.bytes.rfind(b"data", 0, segment.frame) for segment in segments[1:]),
            len(frame.bytes),
        ]
        is_left_out = frame.only_data
        pieces: list[tuple[list[dict[str, Any]], bytes]] = []
        for segment, begin, end in zip(segments, starts, starts[1:], strict=False):
            piece = frame.bytes[begin:end]
            source = frame.bytes[segment.frame : segment.frame + segment.length]
            if (reading := self._walked(source)) is None:
                is_left_out = False
                pieces.append(([], piece))
                continue
            event = BytesEvent(source, reading)
            before, leaves = self._settled(event)
            is_left_out = is_left_out and not leaves
            shift = segment.frame - begin
            pieces.append(
                (before, apply(piece, [(one + shift, two + shift, new) for one, two, new in event.changes()]))
            )
        for index, (before, piece) in enumerate(pieces):
            if before and index and not is_left_out:
                writer.blank_line()
            for chunk in before:
                writer.event(chunk)
            if not is_left_out:
                writer.data(piece)
        if is_left_out:
            writer.leave_out(frame)

    def _settled(self, event: BytesEvent) -> tuple[list[dict[str, Any]], bool]:
        return ([], True) if self._answer is None else self._answer.settle(event)

    def _drain(self) -> None:
        """Every channel ends for good."""
        if self._answer is not None:
            for chunk in self._answer.drain():
                self._writer.event(chunk)
