"""What becomes of the frames of a stream that must be read: read once, settled, written.

``WireRestorer`` finds the frames; this is the way of each frame behind that. The first that says so decides the format.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from holdback._backend import is_native
from holdback.config import content_of
from holdback.engine import json_text
from holdback.engine.answer import Answer
from holdback.engine.bytes_cursor import BytesEvent, Change, apply, read
from holdback.engine.frame import Frame, taken_apart
from holdback.engine.frame_writer import FrameWriter
from holdback.engine.framing import Framing
from holdback.engine.marks_lane import MarksLane
from holdback.engine.messages import Message
from holdback.engine.open_channels import Fed
from holdback.engine.outlines import Outlines
from holdback.engine.shapes import Shapes
from holdback.engine.wholes import Json
from holdback.formats import AUTO, Format, format_named, format_of, format_of_answer
from holdback.mapping import AnyMapping
from holdback.restorers.answers import changes_in
from holdback.restorers.material import material


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
        "_answered",
        "_content",
        "_format",
        "_kind",
        "_lane",
        "_matcher",
        "_occurred",
        "_outlines",
        "_shapes",
        "_state",
        "_uses_lane",
        "_writer",
    )

    def __init__(self, mapping: AnyMapping | None, config: Any, *, protocol: str, lane: bool) -> None:
        self._content: Json = content_of(config)
        self._kind = None if protocol == AUTO else format_named(protocol)
        # Of a whole answer that came before the format was decided.
        self._answered: type[Format] | None = None
        self._format: Format | None = None  # of this stream, once it is decided
        self._shapes: Shapes | None = None  # of the format
        self._answer: Answer | None = None
        self._occurred = False  # something of the format came
        self._matcher, self._account = material(mapping, config)
        self._uses_lane = lane and is_native(self._matcher)
        self._lane = MarksLane() if lane and not self._uses_lane else None  # of events read in Python
        self._outlines: Outlines | None = None  # of those that it took, once the format is decided
        self._state = State.FORWARDING if self._matcher is None else State.DETECTING
        self._writer = FrameWriter()

    def _decide(self, kind: type[Format]) -> None:
        """The format is known from here on."""
        self._kind, self._state = kind, State.RESTORING
        self._format = kind()
        self._shapes = kind.shapes(self._account.unread)
        if self._matcher is not None:
            self._answer = Answer(self._matcher, self._format, self._account, content=self._content)
            if self._lane is not None:
                self._answer.use(self._lane)

    def _read(self, frame: Frame | Message) -> None:
        """What becomes of a frame."""
        source = frame.source
        if source is None:
            if isinstance(frame, Message) and not frame.is_sound:
                self._account.tally.not_understood += 1
            if frame.bytes == b"\n" and self._writer.owes_lf:  # it goes the way of its frame
                self._writer.owes_lf = False
            else:
                self._writer.frame(frame)
            return
        if self._format is None and (kind := self._begun_with(source)) is not None:
            self._settle_answer(frame, source, kind)
            return
        event = self._event_in(source)
        if event is not None:
            self._settle_event(frame, event)
        elif source.startswith(b"[DONE]") or (source == b"]" and self._writer.framing is Framing.ELEMENTS):
            self._drain()
            self._state = State.FORWARDING
            self._writer.frame(frame)
        elif isinstance(frame, Frame) and frame.segments is not None and len(frame.segments) > 1:
            self._read_each(frame)
        else:
            self._writer.frame(frame)

    def _begun_with(self, source: bytes) -> type[Format] | None:
        """Decide the format by the first event that says so. Returns whose whole answer it is instead, if it is one."""
        event = json_text.loads(source)
        if event is None:
            return None
        kind = self._kind or format_of(event)
        if kind is None:
            whole = format_of_answer(event)
            if whole is None:
                self._account.tally.not_understood += 1
            else:
                self._occurred = True
            return whole
        is_event = kind.recognises(event)
        is_whole_answer = kind is self._kind and not is_event and kind.recognises_answer(event)
        self._occurred |= is_event or is_whole_answer
        self._decide(kind)
        return kind if is_whole_answer else None

    def _settle_answer(self, frame: Frame | Message, source: bytes, kind: type[Format]) -> None:
        """A frame that is a whole answer, where a stream was asked for. No channel is open yet."""
        self._answered = kind
        changes: list[Change] = []
        if self._matcher is not None:
            changes = changes_in(source, kind, self._matcher, self._account, content=self._content)
        self._writer.frame(frame, frame.changes(changes))

    def _event_in(self, source: bytes) -> BytesEvent | None:
        """The event in some data; None if it is none, or if no format is decided."""
        if self._shapes is None:
            return None
        if self._outlines is not None and (recalled := self._outlines.recalled(source)) is not None:
            return recalled
        return read(self._shapes, source, natively=self._uses_lane)

    def _settle_event(self, frame: Frame | Message, event: BytesEvent) -> None:
        """A frame that is one event."""
        writer = self._writer
        writer.seen(frame)
        if not self._occurred:
            self._occurred = any(mark[0].is_text or mark[0].is_whole for mark in event.marks)
        fed = None if self._lane is None else self._lane.feed(event)
        if fed is not None and not fed:
            writer.frame(frame)
            if self._outlines is not None:
                self._outlines.draw(frame, event)
            return
        before, leaves = self._settled(event, fed)
        for chunk in before:
            writer.event(chunk)
        if leaves or not frame.only_data:
            if not leaves and self._answer is not None:
                self._answer.note(event, leaves=True)
            changes = event.changes()
            writer.frame(frame, frame.changes(changes) if changes else ())
        else:
            writer.leave_out(frame)

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
            if self._format is None:
                self._begun_with(source)
            if (event := self._event_in(source)) is None:
                is_left_out = False
                pieces.append(([], piece))
                continue
            before, leaves = self._settled(event, None if self._lane is None else self._lane.feed(event))
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

    def _settled(self, event: BytesEvent, fed: Fed | None) -> tuple[list[dict[str, Any]], bool]:
        """The events that leave before one, and whether it leaves; ``fed`` is what the lane has made of it."""
        answer = self._answer
        if answer is None:
            return [], True
        if fed is not None:
            return [], not fed or answer.write(event, fed)
        return answer.settle(event)

    def _drain(self) -> None:
        """Every channel ends for good."""
        if self._answer is not None:
            for chunk in self._answer.drain():
                self._writer.event(chunk)

    def _end(self, rest: bytes, *, is_first: bool, is_cut: bool, is_line_open: bool) -> None:
        """The stream has ended, and this is left of it.

        :param is_first: whether nothing came before it.
        :param is_cut: whether that is the middle of an event that passes.
        :param is_line_open: whether it is the middle of a line of it.
        """
        writer = self._writer
        writer.framing = writer.framing or Framing.EVENTS
        if is_cut:
            writer.data(rest)
        elif rest:
            frame = taken_apart(rest, writer.framing, first=is_first)
            if not _has_event(frame):
                self._drain()  # cut off, or nothing to read: tails leave before it
            self._read(frame)
        ready = len(writer)
        self._drain()
        if ready or is_cut:
            writer.complete(b"" if is_line_open else rest or b"\n", ready)


def _has_event(frame: Frame | Message) -> bool:
    """Whether a frame is an event, or one of its lines is."""
    lines = frame.segments or ()
    sources = [frame.source or b"", *(frame.bytes[line.frame : line.frame + line.length] for line in lines)]
    return any(map(json_text.is_event, sources))
