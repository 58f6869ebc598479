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

from typing import Any, NoReturn

from holdback.engine.bytes_cursor import BytesEvent
from holdback.engine.frame import Frame, Given, taken_apart
from holdback.engine.frames import Framer
from holdback.engine.framing import Framing
from holdback.engine.messages import Message
from holdback.errors import StreamStateError
from holdback.formats import AUTO, Bedrock, Format, name_of
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.finding import Start, lane_behind, limits_of, outlines_behind, too_large
from holdback.restorers.settling import Settling, State

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

    __slots__ = ("_limits", "_quick", "_source", "_start", "_unread")

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
        self._limits = limits_of(max_event_bytes, oversized)
        super().__init__(mapping, config, protocol=protocol, lane=_lane)
        self._start: Start | None = Start(self._limits)  # until the framing is known
        self._source: Any = self._start  # of frames: the start, a Framer, or the native lane
        self._quick: Any = None  # the source, while there is no more to do than feed it
        self._unread = b""  # the frame at which feed() failed

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
        quick = self._quick
        if quick is not None and type(data) is bytes:
            taken = quick.feed(data)
            if type(taken) is bytes:
                done: bytes = taken
                return done
        else:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"feed() takes bytes, not {type(data).__name__}")
            if self._state is State.ENDED:
                raise StreamStateError("feed() after flush()")
            if self._state is State.FAILED:
                raise StreamStateError("feed() after an error")
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
        is_quick = self._state is _RESTORING and (out or not self._writer.owes_lead)
        self._quick = self._source if is_quick else None
        return data if out == data else out

    def flush(self) -> bytes:
        """End the stream; returns what is still to be sent. The second time that is nothing."""
        state, self._state, self._quick = self._state, State.ENDED, None
        if state is State.ENDED:
            return b""
        writer, source = self._writer, self._source
        writer.seen_so(source.manner)
        is_cut = source.is_skipping  # in the middle of an event that passes
        is_line_open = is_cut and source.is_in_line
        rest = source.take_rest()
        if state is State.FAILED:
            self._drain()
            writer.data(self._unread + rest)
        elif state is State.FORWARDING:
            writer.data(rest)
        else:
            self._end(rest, is_first=not source.offset, is_cut=is_cut, is_line_open=is_line_open)
        return writer.take()

    @property
    def report(self) -> Report:
        """What happened so far; counts only."""
        if self._answer is not None:
            self._answer.count()
        return self._account.report(oversized=self._source.oversized, broken=self._source.broken)

    def __repr__(self) -> str:
        keys = 0 if self._matcher is None else len(self._matcher)
        return f"<WireRestorer {self.protocol}: {keys} placeholders, {self._state.name.lower()}>"

    def __copy__(self) -> NoReturn:
        raise TypeError("a WireRestorer holds text and is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a WireRestorer holds text and is not pickled")

    def _begin(self, data: bytes) -> Any:
        """Take bytes in while the quick way is not open; returns what the source of frames makes of them."""
        start = self._start
        if start is not None and self._source is start:
            blank, framing = start.feed(data), start.framing
            if framing is None:
                return blank
            data = start.take_rest()
            self._go_on_with(start.framer(framing), framing)
            if framing is not Framing.LINES:  # lines may turn out to be objects
                self._start = None
            if framing is Framing.MESSAGES and self._kind is Bedrock:
                self._kind = None  # it may be another provider's stream in chunks
        return self._source.feed(data)

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
                self._settle_event(Given(frame, event), BytesEvent(event[1], event[0]))
            else:
                if source.manner is not None:
                    writer.seen_so(source.manner)
                if not frame:
                    raise too_large(source.offset, self._limits)
                piece = taken_apart(frame, writer.framing, first=source.offset == len(frame))
                if self._start is None or not self._is_first_of_some(self._start, piece):
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

    def _is_first_of_some(self, start: Start, line: Frame | Message) -> bool:
        """Whether a frame is the first of the lines that an object is spread over; then objects are the frames."""
        if line.source is not None and not line.source.strip():
            return False  # blank lines may come first
        self._start = None
        found = start.objects(line, self._source.offset)
        if found is not None:
            framer, passing = found
            self._writer.data(passing)
            self._go_on_with(framer, Framing.OBJECTS)
        return found is not None

    def _decide(self, kind: type[Format]) -> None:
        super()._decide(kind)
        framing = self._writer.framing
        if self._lane is not None and isinstance(self._source, Framer):
            self._outlines = outlines_behind(self._source, framing, self._lane, self._limits, self._writer)
        if not self._uses_lane or self._shapes is None or self._answer is None:
            return
        lane = lane_behind(self._source, framing, self._shapes, self._limits)
        if lane is not None:
            self._go_on_with(lane, framing)
            self._answer.use(lane)

    def _go_on_with(self, source: Any, framing: Framing | None) -> None:
        """Another source gives the frames from here on; what the one before counted is kept."""
        if self._source.oversized or self._source.broken:
            self._account.tally.oversized += self._source.oversized
            self._account.tally.not_understood += self._source.broken
        self._source, self._writer.framing = source, framing
