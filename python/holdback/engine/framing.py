"""Framing: how events are put into a stream of bytes.

There are five ways, told by the first byte that is no blank:

- *events*: server-sent events, framed as the WHATWG HTML standard says, section "Server-sent events". Lines end with
  LF, CR LF or CR, mixed as they please; an empty line ends an event; a line that begins with a colon is a comment; one
  space behind a field's colon is not part of its value; the values of several ``data`` lines are joined with LF;
- *lines*: NDJSON, an event a line, ended by LF;
- *objects*: JSON objects spread over several lines, as a whole answer that is printed for people; told by a first line
  that is no object but the beginning of one;
- *elements*: one JSON array over the whole stream, an event an element;
- *messages*: AWS event streams, which ``messages`` reads.

Framing and format are independent: any format may come in any framing, AWS messages excepted.
"""

from __future__ import annotations

from enum import Enum, auto

from holdback.engine.messages import FIRST_BYTES

BOM = b"\xef\xbb\xbf"


class Framing(Enum):
    """How events are put into a stream of bytes."""

    EVENTS = auto()
    LINES = auto()
    OBJECTS = auto()
    ELEMENTS = auto()
    MESSAGES = auto()

    @staticmethod
    def of(data: bytes, *, is_first: bool = True) -> Framing | None:
        """The framing of a stream that begins with these bytes; None if they do not tell yet.

        LINES may turn out to be OBJECTS, once the first line is there. Without ``is_first`` blank lines came before:
        then no byte order mark and no message can follow.
        """
        if is_first:
            if len(data) < len(BOM) and BOM.startswith(data):
                return None
            if data[:1] and data[0] in FIRST_BYTES:
                return Framing.MESSAGES
            data = data.removeprefix(BOM)
        first = data.lstrip(b" \t\r\n")[:1]
        if not first:
            return None
        return _BY_FIRST.get(first, Framing.EVENTS)


_BY_FIRST = {b"{": Framing.LINES, b"[": Framing.ELEMENTS}
