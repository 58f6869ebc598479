"""WireRestorer: the bytes of a stream in, the bytes to send on out. Sans-IO, and exact to the byte.

An event goes through four steps: *find* its borders (``frames``), *read* it once by the shape of its format
(``bytes_cursor``), *settle* what becomes of it (``answer``), *write* the spans that changed. The native lane takes the
events that do nothing but feed open channels through the same steps in one go, and declines all others.

States::

    DETECTING   which framing it is, is not known yet, or no event has come: what no format claims passes, and a whole
                answer is restored as one
    RESTORING   events are read
    FORWARDING  nothing is read any more: after the end of the stream, or because there is nothing to restore
    FAILED      feed() raised; flush() returns what is left, once
    ENDED       flush() was called

    DETECTING -> RESTORING -> FORWARDING -> ENDED;  any but ENDED -> FAILED -> ENDED

Invariants, for every way to cut the input: the output is the same, except for when it leaves; of the input, only the
unfinished frame is kept; a frame that ends with CR leaves at once, and a LF that follows goes the way of its frame.
Cost: O(bytes), whatever the reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NoReturn

from holdback._backend import Lane, is_native
from holdback.config import content_of
from holdback.engine import json_text
from holdback.engine.answer import Answer
from holdback.engine.bytes_cursor import BytesEvent
from holdback.engine.frame import Frame, Given, taken_apart
from holdback.engine.frame_writer import FrameWriter
from holdback.engine.frames import framer_of
from holdback.engine.framing import Framing
from holdback.engine.marks_lane import MarksLane
from holdback.engine.messages import Message
from holdback.engine.shapes import Shapes
from holdback.errors import EncodedInput, EventTooLarge, HoldbackError, StreamStateError
from holdback.formats import AUTO, Bedrock, Format, format_named, name_of
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.encodings import encoding_of
from holdback.restorers.material import material
from holdback.restorers.settling import Settling, State

_LANE: Final[dict[Framing | None, Literal["events", "lines", "messages"]]] = {
    Framing.EVENTS: "events",
    Framing.LINES: "lines",
    Framing.MESSAGES: "messages",
}
"""The framings that the lane knows, and its names of them."""

_RESTORING, _FORWARDING = State.RESTORING, State.FORWARDING
"""Names of the module: they are asked at each read, and a member of an enum is slow to find."""


class WireRestorer(Settling):
    r"""Restores a stream of raw bytes, in reads cut anywhere: server-sent events, lines, one JSON array, AWS messages.

    ``feed`` takes what the transport read and returns the bytes to send on; ``flush`` ends the stream and returns
    the rest. An event whose text did not change leaves as the same bytes, in a changed one only the string literals
    of restored fields differ. An event leaves when it is complete: events are framed as the WHATWG HTML standard says
    ("Server-sent events"), NDJSON by LF, and their JSON is that of RFC 8259, in UTF-8.

    :param mapping: any kind of mapping; None or an empty one passes everything.
    :param config: None means on.
    :param protocol: the wire format, or ``"auto"``: decided by the first event that belongs to one.
    :param max_event_bytes: the size of an event that is read, in bytes; by default 64 MiB.
    :param oversized: what becomes of a larger one: ``"pass"`` forwards it unread, ``"raise"`` is an ``EventTooLarge``.
    :raises HoldbackError: the protocol is not known, or ``oversized`` is neither; the message lists what is.
    :raises MappingError: a placeholder is empty, or has two originals.
    :raises TypeError: ``mapping`` is not a mapping, ``config`` not a config or ``max_event_bytes`` no ``int``.

    Unknown events and fields, data that is no JSON and invalid UTF-8 pass as they are. After an error of ``feed``
    ``flush`` returns, once, what was ready, what was held back and the bytes not read.

    >>> restorer = WireRestorer({"<PERSON_1>": "Ada"})
    >>> restorer.feed(b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"<PERSON_')
    b''
    >>> restorer.feed(b'1>!"}}]}\n\n')
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Ada!"}}]}\n\n'
    >>> restorer.protocol
    'openai-chat'
    """

    __slots__ = (
        "_before_lane",
        "_has_line",
        "_limits",
        "_passed",
        "_quick",
        "_source",
        "_start",
        "_unread",
    )

    def __init__(
        self,
        mapping: AnyMapping | None,
        config: Any = None,
        *,
        protocol: str = AUTO,
        max_event_bytes: int = 64 << 20,
        oversized: str = "pass",
        _lane: bool = True,
    ) -> None:
        if type(max_event_bytes) is not int:
            raise TypeError(f"max_event_bytes must be int, not {type(max_event_bytes).__name__}")
        if oversized not in {"pass", "raise"}:
            raise HoldbackError('oversized must be "pass" or "raise"')
        self._content = content_of(config)
        self._limits = max_event_bytes, oversized == "pass"
        self._kind = None if protocol == AUTO else format_named(protocol)
        self._format: Format | None = None  # of this stream, once it is decided
        self._shapes: Shapes | None = None
        self._answer: Answer | None = None
        self._answered: type[Format] | None = None
        self._occurred = False
        self._matcher, self._account = material(mapping, config)
        self._uses_lane = _lane and is_native(self._matcher)
        self._lane = MarksLane() if _lane and not self._uses_lane else None
        self._state = State.FORWARDING if self._matcher is None else State.DETECTING
        self._before_lane = 0, 0  # before the lane: events that were too large, and what was no message
        self._source: Any = None  # of frames: a Framer, or the native lane
        self._quick: Callable[[bytes], Any] | None = None  # the lane's own feed while there is no more to do
        self._start = b""  # bytes that do not tell the framing yet
        self._unsound = 0
        self._passed = 0  # how many bytes of blank lines came before
        self._is_first = True  # no frame was read yet
        self._has_line = False  # a frame that is no blank line has come, which tells lines from objects
        self._unread = b""  # the frame at which feed() failed
        self._writer = FrameWriter()

    @property
    def protocol(self) -> str:
        """The wire format; ``"auto"`` until an event decides it, ``"unknown"`` if the stream ended before."""
        is_over = self._state is State.ENDED and self._matcher is not None
        kind = self._kind or self._answered
        return name_of(kind) if kind is not None else "unknown" if is_over else AUTO

    @property
    def understood(self) -> bool:
        """Whether anything that came was of the wire format, or of one at all where none was named.

        Without a mapping nothing is looked at, and this is true.
        """
        return self._occurred or self._matcher is None

    def feed(self, data: bytes) -> bytes:
        """Take what was read; returns the bytes to send on, ``b""`` if there are none yet.

        :raises TypeError: ``data`` is not of bytes; nothing was taken in.
        :raises EncodedInput: the bytes are compressed.
        :raises EventTooLarge: an event has more bytes than ``max_event_bytes``, and ``oversized`` is ``"raise"``.
        :raises StreamStateError: the stream has ended, or one of these two was raised before.
        """
        quick, source = self._quick, self._source
        if quick is not None and type(data) is bytes:
            taken = quick(data)
            if type(taken) is bytes:
                done: bytes = taken
                return done
        else:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"feed() takes bytes, not {type(data).__name__}")
            if self._state in (State.FAILED, State.ENDED):
                raise StreamStateError(
                    f"feed() after {'flush()' if self._state is State.ENDED else 'an error'}"
                )
            data = bytes(data)
            if self._state is State.FORWARDING:
                return data
            taken = None
        try:
            self._settle(self._begin(data) if taken is None else taken)
        except Exception:
            self._state, self._quick = State.FAILED, None
            raise
        out = self._writer.take()
        if self._state is not _RESTORING or self._writer.owes_lead:
            self._quick = None
        elif quick is None or self._source is not source:
            self._quick = self._source.feed
        return data if out == data else out

    def flush(self) -> bytes:
        """End the stream; returns what is still to be sent. The second time that is nothing."""
        state, self._state, self._quick = self._state, State.ENDED, None
        writer = self._writer
        if state is State.ENDED:
            return b""
        source, rest = self._source, self._start
        is_cut = is_line_open = False  # in the middle of an event that passes, and of a line of it
        if source is not None:
            writer.seen_so(source.manner)
            is_cut = source.is_skipping
            is_line_open = is_cut and source.is_in_line
            rest = source.take_rest()
        if state is State.FAILED:
            self._drain()
            writer.data(self._unread + rest)
        elif state is State.FORWARDING:
            writer.data(rest)
        else:
            writer.framing = writer.framing or Framing.EVENTS
            if is_cut:
                writer.data(rest)
            elif rest:
                frame = taken_apart(rest, writer.framing, first=self._is_first)
                if frame.source is None or not json_text.is_event(frame.source):
                    self._drain()  # cut off, or nothing to read: tails leave before it
                self._read(frame)
            ready = len(writer)
            self._drain()
            if ready or is_cut:
                writer.complete(b"" if is_line_open else rest or b"\n", ready)
        return writer.take()

    @property
    def report(self) -> Report:
        """What happened so far; counts only."""
        if self._answer is not None:
            self._answer.count()
        if self._source is not None:
            oversized, broken = self._before_lane
            self._account.oversized = oversized + self._source.oversized
            self._account.broken = broken + getattr(self._source, "broken", 0) + self._unsound
        return self._account.report()

    def __repr__(self) -> str:
        keys = 0 if self._matcher is None else len(self._matcher)
        return f"<WireRestorer {self.protocol}: {keys} placeholders, {self._state.name.lower()}>"

    def __copy__(self) -> NoReturn:
        raise TypeError("a WireRestorer holds text and is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a WireRestorer holds text and is not pickled")

    # ------------------------------------------------------------ find

    def _begin(self, data: bytes) -> Any:
        """Take bytes in while the quick way is not open; returns what the source of frames makes of them."""
        if self._source is None:
            data, self._start = self._start + data, b""
            if not self._passed and self._is_encoded(data):
                self._start = data
                return b""
            framing = Framing.of(data, is_first=not self._passed)
            if framing is None:  # blank lines are nobody's
                end = data.rfind(b"\n") + 1
                self._start = data[end:]
                self._passed += end
                return data[:end]
            self._writer.framing = framing
            self._source = framer_of(framing, self._limits, self._passed)
            if framing is Framing.MESSAGES and self._kind is Bedrock:
                self._kind = None  # it may be another provider's stream in chunks
        return self._source.feed(data)

    def _is_encoded(self, data: bytes) -> bool:
        """Compressed bytes are refused at the start of the stream; returns whether these may become such."""
        name, may_become = encoding_of(data)
        if name is not None:
            self._start = data
            raise EncodedInput(f"the stream is compressed ({name}): restoring needs the decoded bytes")
        return may_become

    def _settle(self, taken: Any) -> None:
        """Settle the frames that must be read, one after the other, until there are none."""
        writer = self._writer
        while type(taken) is tuple:
            before, frame, event = taken
            if before:
                writer.data(before)
            source = self._source
            self._unread = frame
            if event is not None:
                reading, data, *place = event
                self._settle_event(Given(frame, data, *place), BytesEvent(data, reading))
            else:
                if source.manner is not None:
                    writer.seen_so(source.manner)
                if not frame:
                    at, most = source.offset, self._limits[0]
                    raise EventTooLarge(f"the event at offset {at} is larger than max_event_bytes={most}")
                piece = taken_apart(frame, writer.framing, first=self._is_first)
                if self._has_line or not self._is_first_of_some(piece):
                    self._read(piece)
            self._unread = b""
            if self._state is _FORWARDING:
                taken = source.take_rest()
            elif self._source is source:
                taken = source.feed(b"")
            else:  # the lane finds the frames from here on, or they are objects
                taken = self._source.feed(source.take_rest())
        if taken:
            writer.data(taken)

    def _is_first_of_some(self, piece: Frame | Message) -> bool:
        """Whether a frame is the first of the lines that an object is spread over; then objects are the frames."""
        line, source = piece.source, self._source
        if self._writer.framing is Framing.LINES and line is not None and not line.strip():
            return False  # blank lines may come first
        self._has_line = True
        if self._writer.framing is not Framing.LINES or line is None or json_text.is_event(line):
            return False
        framer = framer_of(Framing.OBJECTS, self._limits, source.offset - len(piece.bytes))
        taken = framer.feed(piece.bytes)
        if type(taken) is not bytes:
            return False
        framer.oversized += source.oversized
        self._writer.data(taken)
        self._writer.framing, self._source = Framing.OBJECTS, framer
        return True

    def _decide(self, kind: type[Format]) -> None:
        """The format is known from here on."""
        self._kind, self._state = kind, State.RESTORING
        self._format = kind()
        self._shapes = kind.shapes(self._account.unread)
        if self._matcher is None:
            return
        self._answer = Answer(self._matcher, self._format, self._account, content=self._content)
        framing = _LANE.get(self._writer.framing)
        if self._uses_lane and framing is not None:
            size, skips = self._limits
            framer = self._source
            self._before_lane = framer.oversized, getattr(framer, "broken", 0)
            self._source = Lane(
                self._shapes.native,
                framing=framing,
                max_event_bytes=size,
                skip_oversized=skips,
                offset=framer.offset,
            )
            if framer.owes_lf:
                self._source.expect_line_feed()
            self._answer.use(self._source)
        elif self._lane is not None:
            self._answer.use(self._lane)
