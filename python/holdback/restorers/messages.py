"""Answers over a WebSocket: each message is one event, text or bytes of JSON. No loop, clock, socket or thread.

A message goes through a ``WireRestorer`` as a line, so what holds of lines holds here: an event whose text did not
change is the same message, in a changed one only the string literals of restored fields differ. White space between
JSON's tokens may hold an end of line; it is none here.
"""

from __future__ import annotations

from typing import Any, NoReturn

from holdback.engine import json_text
from holdback.mapping import AnyMapping
from holdback.report import Report
from holdback.restorers.wire import WireRestorer

REALTIME = "openai-realtime"
"""The one format so far whose answers come in messages."""


class MessageRestorer:
    """Restores the messages of a session: ``feed`` takes one and returns those that may leave.

    Parameters and errors are those of ``WireRestorer``. Messages that are no JSON object are returned unread.

    >>> restorer = MessageRestorer({"<PERSON_1>": "Ada"})
    >>> ids = '"event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0'
    >>> def delta(text):
    ...     return f'{{"type":"response.output_text.delta",{ids},"delta":"{text}"}}'
    >>> restorer.feed(delta("<PERS")) == [delta("")], restorer.feed(delta("ON_1>!")) == [delta("Ada!")]
    (True, True)
    """

    __slots__ = ("_has_begun", "_is_text", "_wire")

    def __init__(
        self, mapping: AnyMapping | None, config: Any = None, *, protocol: str = REALTIME, **options: Any
    ) -> None:
        self._wire = WireRestorer(mapping, config, protocol=protocol, **options)
        self._has_begun = False  # whether a message was an object
        self._is_text = True  # whether the last message was

    def feed(self, message: Any) -> list[Any]:
        """Take a message in; returns the messages that may leave. An unchanged one is the same object."""
        is_text = isinstance(message, str)
        if not is_text and not isinstance(message, bytes):
            return [message]
        data = message.encode("utf-8", "surrogatepass") if is_text else message
        if data.lstrip()[:1] != b"{":
            return [message]
        if not self._has_begun:
            if not json_text.is_event(data):  # an object may be spread over lines, but not over messages
                return [message]
            self._has_begun = True
        self._is_text = is_text
        line = data.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"
        restored = self._wire.feed(line)
        return [message] if restored == line else self._messages(restored)

    def flush(self) -> list[Any]:
        """The session has ended; returns the messages that carry what was still held back."""
        return self._messages(self._wire.flush())

    @property
    def report(self) -> Report:
        """What happened so far; counts only."""
        return self._wire.report

    def _messages(self, lines: bytes) -> list[Any]:
        found = [line for line in lines.split(b"\n") if line]
        return [line.decode("utf-8", "surrogatepass") for line in found] if self._is_text else found

    def __copy__(self) -> NoReturn:
        raise TypeError("a MessageRestorer holds text and is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a MessageRestorer holds text and is not pickled")
