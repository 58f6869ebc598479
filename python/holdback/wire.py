"""WireRestorer: the bytes of a stream in, the bytes to send on out. Sans-IO, and exact to the byte.

The idea. Reads are cut anywhere, so bytes are first put together to whole *frames*: events of a server-sent event
stream, or lines of NDJSON. A frame's JSON is read by the protocol, and what comes of it is made of the frame's own
bytes: unchanged, they leave as they came; changed, only the spans of the restored values are replaced.

The fast path. While nothing is pending and no channel of JSON source is open, a frame without any byte that could
begin a placeholder comes out as it went in. The matcher's scan finds runs of such frames, and they leave unread:
most reads of most streams pass with one question to it. A frame that does have such a byte is mostly like the last one
that had: the template of that one restores it without parsing, natively in one go with the runs around it. Both are
optimisations only.

Invariants, for every way to cut the input:

- the output is the same, except for when it leaves;
- of the input, only what belongs to the current frame is kept;
- a frame that ends with CR leaves at once; a LF that follows goes the way of its frame when it comes;
- after ``[DONE]`` bytes are forwarded unread.

Cost: O(bytes), whatever the reads. Bytes of an unfinished frame are searched once, not again with each read, and a
huge read is taken in slices, since a frame may look ahead to the end of its slice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from holdback.channels import Channels
from holdback.config import restores_reasoning
from holdback.errors import EncodedInput, EventTooLarge, StreamStateError
from holdback.frames import BOM, Frame, end_of_event, end_of_line
from holdback.mapping import AnyMapping, matcher_for
from holdback.protocols import AUTO, PROTOCOLS, Protocol, protocol_named
from holdback.splice import apply, replacements
from holdback.sse import to_json_bytes
from holdback.template import Template

if TYPE_CHECKING:
    from holdback._native import Scan

UNKNOWN = "unknown"


def _never(_: object) -> bool:
    return False


_ENCODINGS = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xce\xb2\xcf\x81", "br"),
    # A bare br stream has no magic. These are the first bytes that encoders write, and no event begins with one.
    (b"\x0b", "br"),
    (b"\x1b", "br"),
    (b"\x8b", "br"),
)
_MAGICS = tuple(magic for magic, _ in _ENCODINGS)
_LONGEST_MAGIC = max(map(len, _MAGICS))
_SLICE = 1 << 16
_VAIN = 8
"""After so many templates in a row that fitted no event, no more are made: the stream is not of that kind."""


class WireRestorer:
    r"""Restores a stream of raw bytes: server-sent events or NDJSON, in reads cut anywhere.

    ``feed`` takes what the transport read and returns the bytes to send on; ``flush`` ends the stream and returns
    the rest. An event whose text did not change leaves as the same bytes, in a changed one only the string literals
    of restored fields differ. An event leaves when it is complete: events are framed as the WHATWG HTML standard says
    ("Server-sent events"), NDJSON by LF, and their JSON is that of RFC 8259, in UTF-8.

    :param mapping: any kind of mapping; None or an empty one passes everything.
    :param config: None means on.
    :param protocol: the wire format, or ``"auto"``: decided by the first event that carries data.
    :param max_event_bytes: an event of more bytes than this is an ``EventTooLarge``; by default 16 MiB.
    :raises HoldbackError: the protocol is not known; the message lists those that are.
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
        "_calm",
        "_channels",
        "_drop_lf",
        "_failed",
        "_first",
        "_flushed",
        "_lead",
        "_lines",
        "_max_event_bytes",
        "_most_at_once",
        "_named",
        "_newline",
        "_offset",
        "_out",
        "_passes",
        "_passing",
        "_protocol",
        "_protocol_name",
        "_reasoning",
        "_rest",
        "_scan",
        "_template",
        "_vain",
    )

    def __init__(
        self,
        mapping: AnyMapping | None,
        config: Any = None,
        *,
        protocol: str = AUTO,
        max_event_bytes: int = 16 << 20,
    ) -> None:
        self._reasoning = restores_reasoning(config)
        self._protocol: Protocol | None = None  # None: to be decided
        self._protocol_name = protocol
        self._lines: bool | None = None  # whether frames are lines
        if type(max_event_bytes) is not int:
            raise TypeError(f"max_event_bytes must be int, not {type(max_event_bytes).__name__}")
        self._max_event_bytes = max_event_bytes
        # With the unfinished frame still no more than one event.
        self._most_at_once = max(0, min(_SLICE, max_event_bytes // 2))
        matcher = matcher_for(mapping, config)
        self._channels = None if matcher is None else Channels(matcher)
        self._scan: Scan | None = None  # of this protocol
        # The scan's own, and the quickest part of `feed`, which our middleware asks first.
        self._passes: Callable[[object], bool] = _never
        if protocol != AUTO:
            self._begin(protocol, protocol_named(protocol))
        self._passing = matcher is None  # forward unread
        self._failed = self._flushed = False
        self._rest: bytes | bytearray = b""  # the unfinished frame
        self._offset = 0  # of its first byte in the stream, without what the scan took
        self._out: list[bytes] = []  # ready to leave
        self._first = True  # no frame was read yet
        self._lead = b""  # the line end of a first frame that was left out, until something leaves instead
        # Whether a frame without the beginning of a placeholder changes nothing.
        self._calm = False
        # Of the last event that was read; None whenever bytes are not read: when passing, and after an end or an error.
        self._template: Template | None = None
        self._vain = 0  # templates since one fitted
        self._drop_lf = False  # the last frame was dropped and ended with CR: a LF next belongs to it
        self._newline, self._named = b"\n", False  # how the last event that was read is written

    @property
    def protocol(self) -> str:
        """The wire format; ``"auto"`` until it is decided, ``"unknown"`` if it is none: everything passes."""
        return self._protocol_name

    def feed(self, data: bytes) -> bytes:
        """Take what was read; returns the bytes to send on, ``b""`` if there are none yet.

        :raises TypeError: ``data`` is not of bytes; nothing was taken in.
        :raises EncodedInput: the bytes are compressed.
        :raises EventTooLarge: an event has more bytes than ``max_event_bytes``.
        :raises StreamStateError: the stream has ended, or one of these two was raised before.
        """
        rest, template = self._rest, self._template
        if not rest and self._passes(data):
            return data
        quick = None if template is None else template.quick
        if (
            (self._calm or quick is not None)
            and type(data) is bytes
            and len(rest) <= len(data) <= self._most_at_once
        ):
            out, left, is_beginning = self._scan.read(rest, data, quick)  # type: ignore[union-attr, arg-type]
            if quick is not None:
                self._calm = quick.is_calm
            if is_beginning:
                self._rest = left
                return out
            if out:
                self._out.append(out)
            self._rest, data = b"", left
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"feed() takes bytes, not {type(data).__name__}")
        if self._flushed or self._failed:
            raise StreamStateError("feed() after flush()" if self._flushed else "feed() after an error")
        data = bytes(data)
        if self._passing:
            return data
        for start in range(0, len(data), _SLICE):
            try:
                self._take(data[start : start + _SLICE])
            except Exception:
                self._failed, self._calm, self._template = True, False, None
                self._rest += data[start + _SLICE :]
                self._set_open()
                raise
        self._set_open()
        return self._leave()

    def __repr__(self) -> str:
        keys = 0 if self._channels is None else len(self._channels.matcher)
        return f"<WireRestorer {self._protocol_name}: {keys} placeholders, {len(self._rest)} bytes waiting>"

    def flush(self) -> bytes:
        """End the stream; returns what is still to be sent. The second time that is nothing."""
        if self._flushed:
            return b""
        self._flushed = True
        self._calm, self._template = False, None
        self._set_open()
        rest, self._rest = bytes(self._rest), b""
        if self._failed:
            self._drain()
            self._out.append(rest)
            return self._leave()
        if rest and not self._passing:
            frame = self._taken_apart(rest)
            event = self._decoded(frame)
            if event is None:  # cut off, or nothing to read: tails leave before it
                self._drain()
            self._read(frame, event)
        ready = len(self._out)
        if not self._passing:
            self._drain()
        if rest and len(self._out) > ready > 0:
            self._out.insert(ready, self._missing_end(rest))
        return self._leave()

    def _set_open(self) -> None:
        if self._scan is not None:
            self._scan.is_open = self._calm and not self._rest

    def _leave(self) -> bytes:
        out = self._out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._lead and data:
            lead, self._lead = self._lead, b""
            if data.startswith(BOM):  # at the start of a stream a reader would skip it
                return lead + data
        return data

    # ------------------------------------------------------------ frames

    def _take(self, data: bytes) -> None:
        """Take in the frames that are complete now, keep the rest. After an error it keeps all that was not read."""
        if self._first:
            self._check_encoding(data)
        if self._lines is None:
            data = bytes(self._rest) + data
            self._rest = b""
            if BOM.startswith(data):
                self._rest += data
                return
            self._lines = data.removeprefix(BOM).startswith(b"{")
        at = 0
        try:
            if self._rest:
                at = self._complete_rest(data)
            while at < len(data) and not self._passing:
                end = self._next(data, at)
                if end < 0:
                    break
                self._offset += end - at
                at = end
        finally:
            if self._passing:
                self._out.append(data[at:])
            else:
                self._rest += data[at:]
        self._check_size(len(self._rest))

    def _next(self, data: bytes, at: int) -> int:
        """Let the next frame or frames pass, or read one; returns where they end, -1 if that has not come yet."""
        if self._drop_lf:
            self._drop_lf = False
            if data[at] == 0x0A:
                return at + 1
        template = self._template
        quick = None if template is None else template.quick
        if (self._calm or quick is not None) and len(data) - at <= self._max_event_bytes:
            out, end = self._scan.run(data, at, quick)  # type: ignore[union-attr]
            if quick is not None:
                self._calm = quick.is_calm
            if end > at:
                self._out.append(out)
                return end
        if template is not None and (end := self._take_alike(data, at, template)) >= 0:
            return end
        end = end_of_line(data, at) if self._lines else end_of_event(data, at)
        if end >= 0:
            self._take_frame(data[at:end])
        return end

    def _complete_rest(self, data: bytes) -> int:
        """Put the unfinished frame and ``data`` together; returns how much of ``data`` that took, all if it goes on."""
        tail = bytes(self._rest[-2:])  # all of it that can belong to the end that is looked for
        end = end_of_line(data, 0) if self._lines else end_of_event(tail + data, 0, inside=True) - len(tail)
        if end < 0:
            self._check_size(len(self._rest) + len(data))
            self._rest = bytearray(self._rest) if isinstance(self._rest, bytes) else self._rest
            self._rest += data
            self._calm = False
            return len(data)
        frame = bytes(self._rest) + data[:end]
        if self._template is None or self._take_alike(frame, 0, self._template) < 0:
            self._take_frame(frame)
        self._rest = b""
        self._offset += len(frame)
        return end

    def _take_alike(self, data: bytes, at: int, template: Template) -> int:
        """Restore the frame at that place by the template; returns where it ends, -1 if it must be read."""
        restored = template.restore(data, at, self._max_event_bytes)
        if restored is None:
            return -1
        out, end = restored
        self._out.append(out)
        self._calm = template.is_calm
        return end

    def _take_frame(self, frame: bytes) -> None:
        """Read a complete frame."""
        end = 2 if frame.endswith(b"\r\n") and not self._lines else 1
        self._check_size(len(frame) - end)
        apart = self._taken_apart(frame)
        self._read(apart, self._decoded(apart))
        protocol, channels = self._protocol, self._channels
        self._calm = (
            not self._passing
            and protocol is not None
            and channels is not None
            and protocol.is_dressed
            and channels.at_rest()
        )

    def _place(self) -> int:
        """Of the current frame's first byte in the stream."""
        return self._offset + (0 if self._scan is None else self._scan.passed)

    def _check_size(self, size: int) -> None:
        if size > self._max_event_bytes:
            raise EventTooLarge(
                f"the event at offset {self._place()} is larger than max_event_bytes={self._max_event_bytes}"
            )

    def _check_encoding(self, data: bytes) -> None:
        """Compressed bytes are refused at the start of the stream."""
        start = bytes(self._rest[:_LONGEST_MAGIC]) + data[:_LONGEST_MAGIC]
        if start.startswith(_MAGICS):
            self._rest += data
            name = next(name for magic, name in _ENCODINGS if start.startswith(magic))
            raise EncodedInput(f"the stream is compressed ({name}): restoring needs the decoded bytes")

    # ------------------------------------------------------------ one frame

    def _taken_apart(self, frame: bytes) -> Frame:
        apart = Frame(frame, lines=bool(self._lines), first=self._first)
        self._first = False
        return apart

    def _decoded(self, frame: Frame) -> dict[str, Any] | None:
        """The JSON object that the frame carries; None if there is none to read."""
        if frame.source is None:
            return None
        try:
            event = from_json(frame.source)
        except ValueError:  # a lone surrogate, or indeed no JSON
            try:
                event = json.loads(frame.source.decode())
            except (ValueError, RecursionError):
                return None
        return event if isinstance(event, dict) else None

    def _read(self, frame: Frame, event: dict[str, Any] | None) -> None:
        """What becomes of a frame."""
        if event is None:
            if frame.source is not None and frame.source.startswith(b"[DONE]"):
                self._drain()
                self._passing, self._template = True, None
            self._out.append(frame.bytes)
            return
        self._newline, self._named = frame.newline or self._newline, frame.has_name
        if self._protocol is None:
            self._decide(event)
        if self._template is not None and self._template.has_fitted:
            self._vain = 0
        self._template = None
        protocol, channels = self._protocol, self._channels
        if protocol is None or channels is None or (outcome := protocol.read(event, channels)) is None:
            self._out.append(frame.bytes)
            return
        for chunk in outcome.before:
            self._put_chunk(chunk)
        if outcome.suppressed and frame.only_data:
            self._drop_lf = frame.bytes.endswith(b"\r")
            if self._place() == 0:
                self._lead = frame.newline
        elif outcome.edits:
            restore_source = partial(channels.replace, json=True)
            changes = frame.changes(replacements(frame.source or b"", outcome.edits, restore_source))
            self._out.append(apply(frame.bytes, changes))
            if outcome.alone is not None and len(changes) == 1 and self._vain < _VAIN:
                self._vain += 1
                stream = channels.stream_of(outcome.alone)
                self._template = Template.of(
                    frame.bytes,
                    changes[0],
                    stream,
                    is_droppable=frame.only_data and protocol.says_only_text(event),
                    others_rest=protocol.is_dressed and channels.at_rest(besides=stream),
                )
        else:
            self._out.append(frame.bytes)

    def _begin(self, name: str, protocol: type[Protocol]) -> None:
        """What there is to know once the wire format is known."""
        self._protocol_name = name
        self._protocol = protocol(reasoning=self._reasoning)
        self._lines = protocol.LINES
        if self._channels is not None:
            self._scan = self._channels.matcher._scan(
                lines=protocol.LINES, field=protocol.JSON_FIELD, longest=self._most_at_once
            )
            self._passes = self._scan.passes

    def _decide(self, event: dict[str, Any]) -> None:
        """Choose the protocol by the first event; if none knows it, everything passes from now on."""
        for name, protocol in PROTOCOLS.items():
            if self._lines == protocol.LINES and protocol.recognises(event):
                self._begin(name, protocol)
                return
        self._protocol_name = UNKNOWN
        self._passing = True

    # ------------------------------------------------------------ tails

    def _drain(self) -> None:
        if self._protocol is not None and self._channels is not None:
            for chunk in self._protocol.drain(self._channels):
                self._put_chunk(chunk)

    def _put_chunk(self, chunk: dict[str, Any]) -> None:
        """A synthetic chunk as a frame, written in the manner of the stream."""
        data, newline = to_json_bytes(chunk), self._newline
        if self._lines:
            self._out.append(data + newline)
            return
        name = b"event: " + chunk["type"].encode() + newline if self._named and "type" in chunk else b""
        self._out.append(name + b"data: " + data + newline * 2)

    def _missing_end(self, frame: bytes) -> bytes:
        """What an unterminated last frame lacks when a tail must follow it."""
        if self._lines:
            return b"" if frame.endswith(b"\n") else b"\n"
        return self._newline if frame.endswith((b"\n", b"\r")) else self._newline * 2
