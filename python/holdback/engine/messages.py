"""Messages: the framing of AWS event streams (``application/vnd.amazon.eventstream``), for ``frames``.

A message is, big-endian: its length (u32), that of its headers (u32), the CRC-32 of these eight bytes, the headers, the
payload, and the CRC-32 of all before. A header is a name (u8 length), a type (u8) and a value; 7 is a string (u16
length). Two headers matter here: ``:message-type`` (``event``, or ``exception`` and ``error``) and ``:event-type``.

An event's name stands in its headers alone. So it is read as ``{"name": payload}``, which is how boto3 gives it. A
``chunk`` carries another provider's event as base64, and is read as that event.

Both checksums are checked, and written anew for a message that changed. A message whose last checksum is wrong passes
as it is. So do the bytes that begin none, up to the next place where a length and its checksum agree.

``rust/core/src/wire/messages.rs`` is the twin, for the native lane. Cost: O(bytes). ``zlib`` computes CRC-32 at several
GB/s.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from holdback.engine import json_text
from holdback.engine.bytes_cursor import Change, apply

PRELUDE = 12
SMALLEST = PRELUDE + 4
FIRST_BYTES = (0, 1)
"""What a message begins with that is smaller than 32 MiB. No event of another framing begins so."""

CHUNK = "chunk"
_MAY_BEGIN = re.compile(rb"[\x00\x01]")
_LENGTHS = struct.Struct(">II")
_U32 = struct.Struct(">I")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""How large the values of the types of headers are that have one size."""

_OF_LENGTH = (6, 7)
_STRING = 7
_ERROR = b'{"error":true}'
"""What an exception is read as."""


class MessageFramer:
    """Cuts a stream into messages; a ``Framer`` for this framing.

    What ``feed`` returns as a frame is a message whose length is sure; bytes that begin none pass before it, counted in
    ``broken`` once for each place where they begin.
    """

    __slots__ = (
        "_is_lost",
        "_left",
        "_max",
        "_rest",
        "_seek",
        "_skips",
        "broken",
        "manner",
        "offset",
        "oversized",
        "owes_lf",
    )

    def __init__(self, max_event_bytes: int, *, skip_oversized: bool, offset: int = 0) -> None:
        self._max = max_event_bytes
        self._skips = skip_oversized
        self.offset = offset  # of the current message's first byte in the stream
        self.oversized = 0  # how many messages were too large
        self.broken = 0  # how often bytes came that begin no message
        self.manner = None
        self.owes_lf = False
        self._rest = bytearray()
        self._left = 0  # how many bytes are still to come of a message that passes
        self._is_lost = False  # bytes pass until a message begins

    @property
    def is_skipping(self) -> bool:
        return self._left > 0

    @property
    def is_in_line(self) -> bool:
        return False

    def feed(self, data: bytes) -> bytes | tuple[bytes, bytes, None]:
        rest = self._rest
        if not (rest or self._left):
            if not data:
                return data
            if len(data) >= SMALLEST and data[0] in FIRST_BYTES and _size(data) == len(data) <= self._max:
                self._is_lost = False
                self.offset += len(data)
                return b"", data, None
        rest += data
        out = []
        while True:
            if self._left:
                out.append(self._take(min(self._left, len(rest))))
                self._left -= len(out[-1])
            if not rest or self._left:
                return b"".join(out)
            may_begin = rest[0] in FIRST_BYTES
            if may_begin and len(rest) < PRELUDE:
                return b"".join(out)
            size = _size(rest) if may_begin else 0
            if not size:
                out.append(self._take(self._lost()))
                continue
            self._is_lost = False
            if size > self._max:
                if not self._skips:
                    return b"".join(out), b"", None
                self.oversized += 1
                self._left = size
                continue
            if len(rest) < size:
                return b"".join(out)
            return b"".join(out), self._take(size), None

    def take_rest(self) -> bytes:
        """The bytes of the unfinished message, which are forgotten."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _lost(self) -> int:
        """How many bytes from here on surely begin no message."""
        self.broken += not self._is_lost
        self._is_lost = True
        found = _MAY_BEGIN.search(self._rest, 1)
        return len(self._rest) if found is None else found.start()

    def _take(self, size: int) -> bytes:
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        self.offset += size
        return taken


class Message:
    """A message taken apart; a ``Frame`` for this framing. ``source`` is the event in it, None if there is none."""

    __slots__ = ("_encoded", "_payload", "begin", "bytes", "is_sound", "source")

    has_name = False
    only_data = True
    is_element = False
    newline = b""
    segments = None

    def __init__(self, message: bytes) -> None:
        self.bytes = message
        self.begin = 0
        self.source: bytes | None = None
        self._payload = (0, 0)  # from where to where
        self._encoded: tuple[int, int] | None = None  # where the base64 of a chunk stands in the payload
        self.is_sound = _is_sound(message)
        if not self.is_sound:
            return
        start = PRELUDE + _U32.unpack_from(message, 4)[0]
        self._payload = start, len(message) - 4
        headers = _headers(message[PRELUDE:start])
        if headers is None:
            return
        payload, name = message[start:-4], headers.get(":event-type", "")
        if headers.get(":message-type") != "event":
            self.source = _ERROR
        elif name == CHUNK:
            self._read_chunk(payload)
        elif _NAME.fullmatch(name):
            head = b'{"%b":' % name.encode()
            self.begin = start - len(head)
            self.source = b"%b%b}" % (head, payload)

    def changes(self, changes: Iterable[Change]) -> list[Change]:
        """Changes of the event as one of the message."""
        changes = list(changes)
        if not changes or self.source is None:
            return []
        message, (start, end) = self.bytes, self._payload
        if self._encoded is None:
            shift = self.begin
            payload = apply(message, [(one + shift, two + shift, new) for one, two, new in changes])[start:-4]
        else:
            one, two = self._encoded
            encoded = base64.b64encode(apply(self.source, changes))
            payload = message[start : start + one] + encoded + message[start + two : end]
        return [(0, len(message), _sealed(message[PRELUDE:start], payload))]

    def _read_chunk(self, payload: bytes) -> None:
        event = json_text.loads(payload)
        encoded = None if event is None else event.get("bytes")
        if not isinstance(encoded, str):
            return
        at = payload.find(b'"%b"' % encoded.encode("utf-8", "replace")) + 1
        try:
            source = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return
        if at:
            self.source, self._encoded = source, (at, at + len(encoded))


def written(event: Mapping[str, Any]) -> bytes:
    """A message that says ``event``: by its name if it is one object that has one, else in a chunk."""
    if len(event) == 1:
        [(name, said)] = event.items()
        if isinstance(said, Mapping):
            return _message(name, said)
    encoded = base64.b64encode(json_text.to_json_bytes(event)).decode()
    return _message(CHUNK, {"bytes": encoded})


def _message(name: str, said: Any) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(
        b"%c%b\x07%b%b" % (len(one), one.encode(), len(value).to_bytes(2), value.encode())
        for one, value in headers.items()
    )
    return _sealed(head, json_text.to_json_bytes(said))


def _sealed(headers: bytes, payload: bytes) -> bytes:
    """A message with its lengths and checksums."""
    lengths = _LENGTHS.pack(SMALLEST + len(headers) + len(payload), len(headers))
    data = b"".join((lengths, _U32.pack(crc32(lengths)), headers, payload))
    return data + _U32.pack(crc32(data))


def _size(data: bytes | bytearray) -> int:
    """The size of the message that begins here; 0 if none does."""
    size, headers = _LENGTHS.unpack_from(data)
    if headers > size - SMALLEST or crc32(data[:8]) != _U32.unpack_from(data, 8)[0]:
        return 0
    return int(size)


def _is_sound(message: bytes) -> bool:
    """Whether the lengths and both checksums are right."""
    if len(message) < SMALLEST:
        return False
    return len(message) == _size(message) and crc32(message[:-4]) == _U32.unpack(message[-4:])[0]


def _headers(data: bytes) -> dict[str, str] | None:
    """The headers that are strings; None if they cannot be read."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            begin = at + 1
            at = begin + data[at]
            name, kind = data[begin:at].decode(), data[at]
            at += 1
            size = _SIZES.get(kind)
            if size is None:
                if kind not in _OF_LENGTH:
                    return None
                size = int.from_bytes(data[at : at + 2])
                at += 2
            if at + size > len(data):
                return None
            if kind == _STRING:
                found[name] = data[at : at + size].decode()
            at += size
    except (IndexError, UnicodeDecodeError):
        return None
    return found
