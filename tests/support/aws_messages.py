"""Messages of AWS event streams, written and read plainly: for recordings, and to judge what leaves."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

Event = dict[str, Any]


def message(payload: bytes, **headers: str) -> bytes:
    """A message with string headers: ``event_type`` is ``:event-type``."""
    head = b""
    for name, value in headers.items():
        spelled = ":" + name.replace("_", "-")
        head += (
            bytes([len(spelled)])
            + spelled.encode()
            + b"\x07"
            + struct.pack(">H", len(value))
            + value.encode()
        )
    start = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    start += struct.pack(">I", zlib.crc32(start))
    return start + head + payload + struct.pack(">I", zlib.crc32(start + head + payload))


def written(event: Event) -> bytes:
    """An event as boto3 gives it, as its message."""
    [(name, said)] = event.items()
    if name == "chunk":
        said = {**said, "bytes": base64.b64encode(said["bytes"]).decode()}
    payload = json.dumps(said, ensure_ascii=False).encode()
    return message(payload, event_type=name, content_type="application/json", message_type="event")


def stream(events: Iterable[Event]) -> bytes:
    return b"".join(map(written, events))


def pieces(data: bytes) -> Iterator[bytes]:
    """The messages, which must all be sound."""
    while data:
        size, _, checksum = struct.unpack_from(">III", data)
        one, data = data[:size], data[size:]
        assert zlib.crc32(one[:8]) == checksum
        assert zlib.crc32(one[:-4]) == struct.unpack_from(">I", one, size - 4)[0]
        yield one


def headers_of(one: bytes) -> dict[str, str]:
    (size,) = struct.unpack_from(">I", one, 4)
    head, found = one[12 : 12 + size], {}
    while head:
        name, rest = head[1 : 1 + head[0]].decode(), head[1 + head[0] :]
        assert rest[0] == 7
        (length,) = struct.unpack_from(">H", rest, 1)
        found[name], head = rest[3 : 3 + length].decode(), rest[3 + length :]
    return found


def payload_of(one: bytes) -> bytes:
    (size,) = struct.unpack_from(">I", one, 4)
    return one[12 + size : -4]


def read(data: bytes) -> list[Event]:
    """The events, as boto3 gives them."""
    found = []
    for one in pieces(data):
        headers, said = headers_of(one), json.loads(payload_of(one))
        if headers[":message-type"] != "event":
            found.append({headers[":exception-type"]: said})
            continue
        if headers[":event-type"] == "chunk":
            said["bytes"] = base64.b64decode(said["bytes"])
        found.append({headers[":event-type"]: said})
    return found


def inner(events: Iterable[Event]) -> list[Event]:
    """The events that stand in chunks; others as they are."""
    return [json.loads(event["chunk"]["bytes"]) if "chunk" in event else event for event in events]
